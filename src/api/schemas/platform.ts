import { z } from 'zod';
import { EXAMPLE, id, time } from './fields';

export const platformWebhookSchema = z
  .object({
    id: id('webhook'),
    url: z.string(),
    events: z.string().describe('Short names, joined by commas.'),
    active: z.boolean(),
    created_at: time,
  })
  .meta({ id: 'PlatformWebhook' });

export const platformWebhookExample: z.infer<typeof platformWebhookSchema> = {
  id: EXAMPLE.webhookId,
  url: 'https://example.com/hooks/posthorn',
  events: 'open,click',
  active: true,
  created_at: EXAMPLE.at('09:10:00'),
};

export const newPlatformWebhookSchema = platformWebhookSchema
  .extend({ secret: z.string().optional().describe('If Posthorn generated it.') })
  .meta({ id: 'NewPlatformWebhook' });

export const receivedSchema = z.object({ received: z.literal(true) });
