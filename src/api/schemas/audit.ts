import { z } from 'zod';
import { AUDIT_ACTIONS } from '../../store/audit';
import { EXAMPLE, id, time } from './fields';

export const auditEntrySchema = z
  .object({
    id: id('audit'),
    // May be anything, since it is what the caller sent in the path.
    projectId: z.string().nullable(),
    action: z.enum(AUDIT_ACTIONS),
    target: z.string().nullable(),
    key: z
      .string()
      .describe('A key’s or portal link’s id, `admin`, or `posthorn` for what it does itself.'),
    role: z.string(),
    changedFields: z.array(z.string()).describe('Names of the given fields; values are not kept.'),
    requestId: z.string().nullable(),
    outcome: z
      .enum(['done', 'unknown'])
      .describe('`unknown`: a process or the database failed, and it may have happened.'),
    time,
  })
  .meta({ id: 'AuditEntry' });

export const auditEntryExample: z.infer<typeof auditEntrySchema> = {
  id: EXAMPLE.auditId,
  projectId: EXAMPLE.projectId,
  action: 'webhook.updated',
  target: EXAMPLE.webhookId,
  key: EXAMPLE.keyId,
  role: 'owner',
  changedFields: ['isActive'],
  requestId: EXAMPLE.requestId,
  outcome: 'done',
  time: EXAMPLE.at('09:20:00'),
};
