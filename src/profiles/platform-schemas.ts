import { z } from 'zod';
import { emailAddress, id, instant, text, url } from './fields';

/* The `data` of the 4 platform event types (docs/contract.md, 2.3 and 6.2). */

const activity = {
  /** The provider's id of the e-mail; some use its Message-ID. */
  email_id: id,
  /** Missing or null if the provider's event didn't name one. */
  recipient: emailAddress.nullish(),
  /** When it happened. */
  timestamp: instant,
};

export const activityData = z.strictObject(activity);

export const clickData = z.strictObject({ ...activity, url: url.optional() });

export const bounceData = z.strictObject({
  ...activity,
  bounce_type: z.enum(['hard', 'soft']).optional(),
  reason: text.optional(),
});
