import { Router } from 'express';
import { z } from 'zod';
import { WRITABLE_ADDRESS } from '../../domain/mailbox';
import { DISPATCHES } from '../../contracts/delivery';
import { allowsWebhooks, DEFAULT_PROFILE, getProfile, profiles } from '../../profiles';
import type { Cipher } from '../../store/cipher';
import { deleteProject } from '../../store/delete-project';
import { KEY_ROLES } from '../../store/keys';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import { answer, answerPage } from '../http/answers';
import { audited, nothingChanged } from '../http/audited';
import { adminOnly } from '../http/auth';
import { CATALOG, CATALOG_RULE } from './catalogs';
import { invalid, notFound, refusal } from '../http/errors';
import { policyFields } from './policy';
import { portalOriginsField } from './portal-origins';
import { providerKeysField, providerKeysView, sealProviderKeys } from './provider-keys';
import { changeOrRefuse, createOrGet, getIfExistsField } from '../http/external-ids';
import { projectParam } from '../http/reference-params';
import { externalIdField } from '../schemas/fields';
import type { projectSchema } from '../schemas/project';
import {
  nameField,
  pageQuery,
  parse,
  parseBody,
  parseListQuery,
  pathId,
  textField,
} from '../http/validation';

const changeable = {
  externalId: externalIdField,
  catalog: z
    .string()
    .regex(CATALOG, CATALOG_RULE)
    .nullable()
    .optional()
    .describe('The catalogue whose event types it has in addition to its own.'),
  name: nameField,
  plan: textField(100).nullable().optional(),
  ownerEmail: z
    .string()
    .max(320)
    .regex(
      WRITABLE_ADDRESS,
      'must be an e-mail address, "local@domain", without < and >, and quoted before the @ as a whole or not at all',
    )
    .nullable()
    .optional(),
  dispatch: z
    .enum(DISPATCHES)
    .nullable()
    .optional()
    .describe('How its events are processed; null: as POSTHORN_DISPATCH says.'),
  policy: z
    .strictObject({
      ...policyFields,
      maxWebhooks: z.int().min(0).max(10_000).optional(),
      retentionDays: z.int().min(1).max(3650).optional(),
    })
    .optional(),
  portalOrigins: portalOriginsField.optional(),
};

export const projectBody = z.strictObject({
  ...changeable,
  // People write `EmailSendX`; its name here is `emailsendx`.
  profile: z
    .string()
    .trim()
    .toLowerCase()
    .pipe(z.enum([...profiles.keys()], `must be one of: ${[...profiles.keys()].join(', ')}`))
    .meta({ override: { type: 'string', enum: [...profiles.keys()] } })
    .default(DEFAULT_PROFILE),
});
export const projectChanges = z
  .strictObject({ ...changeable, providerKeys: providerKeysField })
  .partial();
export const newProjectQuery = z.strictObject({
  get_if_exists: getIfExistsField,
  key: z
    .enum(KEY_ROLES, `must be one of: ${KEY_ROLES.join(', ')}`)
    .optional()
    .describe('Also creates the project’s first key, with that role.'),
});
export const projectsQuery = z.strictObject({
  ...pageQuery('project'),
  q: nameField
    .optional()
    .describe(
      'Projects with this in their name, in upper or lower case; or the one with this id or `externalId`.',
    ),
});

function view(project: ProjectRecord): z.infer<typeof projectSchema> {
  const {
    _id,
    externalId,
    name,
    profile,
    catalog,
    plan,
    ownerEmail,
    dispatch,
    policy,
    portalOrigins = [],
    createdAt,
    updatedAt,
  } = project;
  return {
    id: _id,
    externalId: externalId ?? null,
    name,
    profile,
    catalog: catalog ?? null,
    plan,
    ownerEmail,
    dispatch,
    policy,
    portalOrigins,
    ...(takesProviderEvents(project) && { providerKeys: providerKeysView(project) }),
    createdAt,
    updatedAt,
  };
}

const takesProviderEvents = ({ profile }: ProjectRecord): boolean =>
  getProfile(profile).providerEvents !== null;

/**
 * Whether that plan allows no webhooks, and the current one does: keeping the plan that it has is no reason to
 * refuse.
 */
function endsWebhooks(before: ProjectRecord, plan: string | null | undefined): boolean {
  const profile = getProfile(before.profile);
  return Boolean(plan) && !allowsWebhooks(profile, plan!) && allowsWebhooks(profile, before.plan);
}

/** `/v1/projects` */
export function projectsRouter({ store, cipher }: { store: Store; cipher: Cipher }): Router {
  const router = Router();
  router.use(adminOnly);
  router.param('id', projectParam(store));

  /** @throws ApiError 422 if a project of that profile can't have that catalogue */
  const checkCatalog = async (profile: string, catalog?: string | null): Promise<void> => {
    if (!catalog) return;
    if (!getProfile(profile).eventTypesFromProject) {
      const message = `is not possible with the profile ${profile}, which has its own event types`;
      throw invalid([{ field: 'catalog', message }]);
    }
    if (!(await store.catalogTypes.hasAny(catalog))) {
      const first = `PUT /v1/catalogs/${catalog}/event-types/:type defines its first event type`;
      throw invalid([{ field: 'catalog', message: `does not exist; ${first}` }]);
    }
  };
  const findByExternalId = (externalId: string) => store.projects.getByExternalId(externalId);

  const withKey = audited('key.created', 'id', ({ query }) => query.key !== undefined, 'keyId');
  router.post('/', audited('project.created'), withKey, async (req, res) => {
    const { get_if_exists: getIfExists, key: role } = parse(newProjectQuery, req.query);
    const { profile, externalId, ...rest } = parseBody(projectBody, req);
    const fields = {
      profile,
      externalId: externalId ?? null,
      name: rest.name,
      catalog: rest.catalog ?? null,
      plan: rest.plan ?? null,
      ownerEmail: rest.ownerEmail ?? null,
      dispatch: rest.dispatch ?? null,
      policy: rest.policy ?? {},
      portalOrigins: rest.portalOrigins ?? [],
    };
    const made = await createOrGet(getIfExists, externalId, findByExternalId, async () => {
      await checkCatalog(profile, fields.catalog);
      return store.transaction(async (session) => {
        const project = await store.projects.create(fields, session);
        const key =
          role && (await store.keys.create(project._id, 'First key', role, null, session));
        return { project, key };
      });
    });
    if ('holder' in made) {
      nothingChanged(res);
      answer(res, view(made.holder));
      return;
    }
    const { project, key } = made.done;
    answer(res, { ...view(project), ...(key && { keyId: key.record._id, key: key.key }) }, 201);
  });

  router.get('/', async (req, res) => {
    const { page, filter } = parseListQuery(projectsQuery, req);
    answerPage(res, 'projects', await store.projects.list(page, filter.q), view);
  });

  router.get('/:id', async (req, res) => {
    const project = await store.projects.get(pathId(req, 'project'));
    if (!project) throw notFound('the project');
    answer(res, view(project));
  });

  router.patch('/:id', audited('project.updated'), async (req, res) => {
    const id = pathId(req, 'project');
    const { providerKeys, ...changes } = parseBody(projectChanges, req);
    const before = await store.projects.get(id);
    if (before && providerKeys && !takesProviderEvents(before)) {
      const message = 'is not a known field here: this profile accepts no provider events';
      throw invalid([{ field: 'providerKeys', message }]);
    }
    // Callers repeat what they have read, and a catalogue ends with its last type.
    if (before && changes.catalog !== before.catalog) {
      await checkCatalog(before.profile, changes.catalog);
    }
    const { plan } = changes;
    const isToHaveNone = before !== null && endsWebhooks(before, plan);
    const changed = {
      ...changes,
      ...(providerKeys && { providerKeys: sealProviderKeys(cipher, id, providerKeys) }),
    };
    const project = await changeOrRefuse(id, changes.externalId, findByExternalId, () =>
      store.projects.update(id, changed, isToHaveNone ? { webhookCount: 0 } : {}),
    );
    if (!project && isToHaveNone && (await store.projects.get(id))) {
      throw refusal('plan_has_webhooks', { plan: plan! });
    }
    if (!project) throw notFound('the project');
    answer(res, view(project));
  });

  router.delete('/:id', audited('project.deleted'), async (req, res) => {
    const id = pathId(req, 'project');
    if (!(await deleteProject(store, id))) throw notFound('the project');
    answer(res, { id, deleted: true });
  });

  return router;
}
