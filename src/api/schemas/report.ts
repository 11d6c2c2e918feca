import { z } from 'zod';
import { REPORT_SOURCES } from '../../providers';
import { REPORT_OUTCOMES } from '../../store/provider-reports';
import { EXAMPLE, id, time } from './fields';

export const reportSchema = z
  .object({
    id: id('report'),
    provider: z
      .enum(REPORT_SOURCES)
      .describe('The provider whose route it came by; `plain`: `POST /api/webhooks`.'),
    type: z
      .string()
      .nullable()
      .describe('What happened, in the provider’s terms; null: not stated.'),
    outcome: z.enum(REPORT_OUTCOMES).describe('`kept`: it became no event.'),
    eventId: id('event').nullable().describe('The event that it became.'),
    reason: z.string().nullable().describe('Why it became no event.'),
    verified: z.boolean().describe('Whether its signature was verified.'),
    receivedAt: time,
  })
  .meta({ id: 'Report' });

export const reportExample: z.infer<typeof reportSchema> = {
  id: EXAMPLE.reportId,
  provider: 'sendgrid',
  type: 'delivered',
  outcome: 'kept',
  eventId: null,
  reason: 'this type does not become an event',
  verified: true,
  receivedAt: EXAMPLE.at('09:30:02'),
};

export const reportWithPayloadSchema = reportSchema
  .extend({
    payload: z
      .string()
      .nullable()
      .describe(
        'The report as received, as JSON text (SendGrid’s and Mailgun’s serialised again); null: its event’s payload was deleted.',
      ),
  })
  .meta({ id: 'ReportWithPayload' });

export const reportWithPayloadExample: z.infer<typeof reportWithPayloadSchema> = {
  ...reportExample,
  payload: '{"event":"delivered","email":"jane.doe@example.com","sg_event_id":"ZGVsaXZlcmVk"}',
};
