import type { LastAttempt } from '../../api/types';
import { texts } from '../../texts';

const { remedy } = texts.deliveries;

/** What usually helps after an attempt that failed in this way. */
export function remedyOf({ statusCode, errorCode }: LastAttempt): string {
  if (statusCode === undefined) return remedy[errorCode ?? 'unknown'];
  // 419 is Laravel's, for a request without its token against CSRF.
  if (statusCode === 401 || statusCode === 403 || statusCode === 419) return remedy.auth;
  if (statusCode === 404 || statusCode === 405) return remedy.notFound;
  if (statusCode === 410) return remedy.gone;
  if (statusCode === 429) return remedy.busy;
  if (statusCode >= 500) return remedy.server;
  return statusCode >= 400 ? remedy.client : remedy.redirect;
}
