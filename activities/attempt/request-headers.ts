import { signatureHeaders } from '../../src/delivery/signing';
import { getProfile } from '../../src/profiles';
import { ifReadable } from '../../src/store/cipher';
import { openHeaders } from '../../src/store/webhook-headers';
import type { WebhookSecret } from '../../src/store/webhook-record';
import type { Subject } from './subject';
import type { ActivityDependencies } from '../dependencies';

/** The headers of one attempt: the webhook's own first, so that they can't override ours. */
export function requestHeaders(
  { cipher, version }: Pick<ActivityDependencies, 'cipher' | 'version'>,
  { delivery, event, body, webhook, project }: Subject,
  now: Date,
): Record<string, string> {
  const [newest, ...older] = webhook.secrets.filter(
    ({ expiresAt }) => expiresAt === undefined || expiresAt > now,
  );
  const open = (sealed: WebhookSecret): string => cipher.open(sealed, webhook._id);
  return {
    ...openHeaders(cipher, webhook),
    'Content-Type': 'application/json',
    'User-Agent': `Posthorn/${version}`,
    // In every profile: not every envelope has a field for it.
    ...(event.test && { 'X-Webhook-Test': 'true' }),
    ...signatureHeaders({
      schemes: webhook.signing,
      // An older one that can't be opened has no overlap.
      secrets: [open(newest!), ...older.flatMap((sealed) => ifReadable(() => open(sealed)) ?? [])],
      secretFormat: getProfile(project.profile).secretFormat,
      eventId: event._id,
      deliveryId: delivery._id,
      eventType: event.type,
      body,
      now,
    }),
  };
}
