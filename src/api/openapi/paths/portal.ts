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
        'For the customer whose webhooks the project holds: a page to embed, and a token for `/v1` with just these rights, for this project. It can’t set `policy` and `externalId` of webhooks, and undoes nothing that a key did: it doesn’t enable, resume, delete or send to what the platform has disabled or paused, nor create another webhook with its URL. It ends at `expiresAt`, with the key that made it, and by `DELETE`. [The guide](docs/guide-portal.md) says how to embed and renew it.',
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
