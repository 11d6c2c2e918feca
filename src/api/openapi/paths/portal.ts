import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { portalLinkBody } from '../../portal/portal-links';
import { EXAMPLE } from '../../schemas/fields';
import {
  portalLinkExample,
  portalLinkSchema,
  revokedPortalLinksSchema,
} from '../../schemas/portal';
import { data, operation } from '../operation';

const tag = 'Portal';

export const portalPaths: ZodOpenApiPathsObject = {
  '/v1/portal-links': {
    post: operation({
      operationId: 'createPortalLink',
      tag,
      summary: 'Create a portal link',
      description:
        'For the customer whose webhooks the project holds: a page to embed, and a token for `/v1` with only these rights, for this project. It can’t set a webhook’s `policy` or `externalId`, or the `data` of a test event. It can’t undo what was done with a key: it can’t enable, resume, delete or send to webhooks that the platform has disabled or paused, or create another webhook with the same URL. It ends at `expiresAt`, with the key that created it, and by `DELETE`. [The guide](docs/guide-portal.md) says how to embed and renew it.',
      body: {
        schema: portalLinkBody,
        examples: { default: { capabilities: 'manage', expiresIn: 3600 } },
      },
      answers: { 201: data('The link. Shown only here.', portalLinkSchema, portalLinkExample) },
    }),
    delete: operation({
      operationId: 'revokePortalLinks',
      tag,
      summary: 'Revoke all portal links',
      description: 'All that were created for the project so far stop working.',
      answers: {
        200: data('They are revoked.', revokedPortalLinksSchema, {
          projectId: EXAMPLE.projectId,
          revoked: true,
        }),
      },
    }),
  },
};
