import { z } from 'zod';
import { CAPABILITIES } from '../http/auth';
import { EXAMPLE, id, time } from './fields';

export const portalLinkSchema = z
  .object({
    id: id('portalLink').describe('Its id, by which the audit log names who uses it.'),
    url: z.url().describe('The portal’s page with the token, to be shown in a frame.'),
    token: z.string().describe('A bearer token for `/v1`, instead of a key. Shown only here.'),
    projectId: id('project'),
    capabilities: z.enum(CAPABILITIES),
    expiresAt: time.describe('When it ends.'),
  })
  .meta({ id: 'PortalLink' });

const TOKEN = 'php_eyJpZCI6InBsa18wMTkyZjVhZiJ9.gq0Cwd2yN8bVQ3rZkq1mXo5u7T0sJ4hE9fLpA6cDiWU';
export const portalLinkExample: z.infer<typeof portalLinkSchema> = {
  id: 'plk_0192f5af5a588396a6bcc3d4e5f60789',
  url: `https://posthorn.example.com/portal/${EXAMPLE.projectId}/#token=${TOKEN}`,
  token: TOKEN,
  projectId: EXAMPLE.projectId,
  capabilities: 'manage',
  expiresAt: EXAMPLE.at('10:00:00'),
};

export const revokedPortalLinksSchema = z.object({
  projectId: id('project'),
  revoked: z.literal(true).describe('Confirms the revocation.'),
});
