import { signatureHeaders } from '../src/delivery/signing';
import { getProfile } from '../src/profiles';
import type { Subject } from './attempt';
import type { ActivityDependencies } from '.';

/** Custom headers whose values are credentials, by the words in their names. */
const CREDENTIAL = /auth|token|secret|key|password|cookie|credential/i;

/** The headers of one attempt: the webhook's own first, so that they can't override ours. */
export function requestHeaders(
  { cipher, version }: Pick<ActivityDependencies, 'cipher' | 'version'>,
  { delivery, event, webhook, project }: Subject,
  now: Date,
): Record<string, string> {
  return {
    ...webhook.headers,
    'Content-Type': 'application/json',
    'User-Agent': `Posthorn/${version}`,
    ...signatureHeaders({
      schemes: webhook.signing,
      secrets: webhook.secrets
        .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now)
        .map((sealed) => cipher.open(sealed, webhook._id)),
      secretFormat: getProfile(project.profile).secretFormat,
      eventId: event._id,
      deliveryId: delivery._id,
      eventType: event.type,
      body: event.body,
      now,
    }),
  };
}

/** The same headers as they are logged and shown: a credential in a custom header stays out. */
export function loggedHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      CREDENTIAL.test(name) ? '[redacted]' : value,
    ]),
  );
}
