import { Router } from 'express';
import { z } from 'zod';
import { clock } from '../../clock';
import { newId } from '../../contracts/ids';
import type { Store } from '../../store/store';
import { answer } from '../http/answers';
import { audited } from '../http/audited';
import { allow, CAPABILITIES, endWithinRights, principalOf, projectOf } from '../http/auth';
import { notFound } from '../http/errors';
import type { OwnAddress } from '../http/own-address';
import type { PortalTokens } from '../http/portal-tokens';
import { parseBody } from '../http/validation';
import type { portalLinkSchema, revokedPortalLinksSchema } from '../schemas/portal';

const lifeError = 'must be a whole number of seconds from 60 to 86400';

export const portalLinkBody = z.strictObject({
  capabilities: z
    .enum(CAPABILITIES)
    .describe(
      '`read`: view webhooks, events and deliveries; `manage`: also create, change, test, pause and delete webhooks, read and rotate their secrets, and retry, cancel and replay deliveries.',
    ),
  expiresIn: z
    .int(lifeError)
    .min(60, lifeError)
    .max(86_400, lifeError)
    .default(3600)
    .describe('Seconds that it is valid, up to a day, but no longer than the key that makes it.'),
});

/** `/v1/portal-links`: a customer's access to its own project, without a key. */
export function portalLinksRouter(store: Store, tokens: PortalTokens, address: OwnAddress): Router {
  const router = Router();
  router.use(allow('owner'));

  router.post('/', audited('portal_link.created'), async (req, res) => {
    const { capabilities, expiresIn } = parseBody(portalLinkBody, req);
    const base = address.ofLink(req);
    const projectId = projectOf(res)._id;
    // The latest revocation applies, even one by another process.
    const project = await store.projects.get(projectId);
    if (!project) throw notFound('the project');
    const id = newId('portalLink');
    const { keyId } = principalOf(res);
    const asked = new Date(clock.now().getTime() + expiresIn * 1000);
    const expiresAt = endWithinRights(res, asked);
    const token = tokens.sign({
      id,
      projectId,
      capabilities,
      keyId,
      revocations: project.portalRevocations ?? 0,
      expiresAt: expiresAt.getTime(),
    });
    // Behind `#`, so that no server and no log sees it.
    const url = `${base}/portal/${projectId}/#token=${token}`;
    const link = { id, url, token, projectId, capabilities, expiresAt };
    answer(res, link satisfies z.infer<typeof portalLinkSchema>, 201);
  });

  router.delete(
    '/',
    audited('portal_links.revoked', 'id', undefined, 'projectId'),
    async (_req, res) => {
      const projectId = projectOf(res)._id;
      if (!(await store.projects.revokePortalLinks(projectId))) throw notFound('the project');
      answer(res, { projectId, revoked: true } satisfies z.infer<typeof revokedPortalLinksSchema>);
    },
  );

  return router;
}
