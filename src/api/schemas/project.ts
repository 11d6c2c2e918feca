import { z } from 'zod';
import { DISPATCHES } from '../../contracts/delivery';
import { KEY_ROLES } from '../../store/keys';
import { PROVIDER_NAMES } from '../../providers';
import { profiles } from '../../profiles';
import { count, EXAMPLE, externalId, id, shownPolicy, time } from './fields';

export const projectSchema = z
  .object({
    id: id('project'),
    externalId,
    name: z.string(),
    profile: z.enum([...profiles.keys()]),
    catalog: z
      .string()
      .nullable()
      .describe('The catalogue whose event types it has in addition to its own.'),
    plan: z.string().nullable(),
    ownerEmail: z.string().nullable(),
    dispatch: z
      .enum(DISPATCHES)
      .nullable()
      .describe('How its events are processed; null: as POSTHORN_DISPATCH says.'),
    policy: z.object({
      ...shownPolicy,
      maxWebhooks: count.optional(),
      retentionDays: count.optional(),
    }),
    portalOrigins: z
      .array(z.string())
      .describe('The origins of the pages that may show its portal in a frame.'),
    providerKeys: z
      .record(z.enum(PROVIDER_NAMES), z.boolean())
      .optional()
      .describe('Which e-mail providers’ keys are set; only in profiles that accept their events.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Project' });

export const projectExample: z.infer<typeof projectSchema> = {
  id: EXAMPLE.projectId,
  externalId: 'cust_42',
  name: 'Acme newsletters',
  profile: 'autosend',
  catalog: null,
  plan: null,
  ownerEmail: 'ops@acme.example',
  dispatch: null,
  policy: { timeoutMs: 15_000 },
  portalOrigins: ['https://app.acme.example'],
  createdAt: EXAMPLE.at('09:00:00'),
  updatedAt: EXAMPLE.at('09:00:00'),
};

export const newProjectSchema = projectSchema
  .extend({
    keyId: id('key').optional(),
    key: z.string().optional().describe('The first key, if requested. Shown only here.'),
  })
  .meta({ id: 'NewProject' });

export const KEY_EXAMPLE = 'phk_2bT0mBzrqnnUvTnlJ8Qd3xXb6wJq6b0vWmC5v4t0c1E';

export const keySchema = z
  .object({
    id: id('key'),
    projectId: id('project'),
    name: z.string(),
    role: z.enum(KEY_ROLES),
    expiresAt: time.nullable(),
    lastUsedAt: time.nullable(),
    createdAt: time,
  })
  .meta({ id: 'Key' });

export const keyExample: z.infer<typeof keySchema> = {
  id: EXAMPLE.keyId,
  projectId: EXAMPLE.projectId,
  name: 'Mail service',
  role: 'sender',
  expiresAt: null,
  lastUsedAt: null,
  createdAt: EXAMPLE.at('09:01:00'),
};

export const newKeySchema = keySchema
  .extend({ key: z.string().describe('The key itself. Shown only here.') })
  .meta({ id: 'NewKey' });
