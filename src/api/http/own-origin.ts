import type { Request } from 'express';
import { ApiError } from './errors';

/**
 * Refuses what a page of another origin sends. Where a proxy ends TLS and isn't counted by
 * POSTHORN_TRUSTED_PROXIES, the scheme is not known, and only the host is compared.
 * @throws ApiError 403
 */
export function refuseForeignOrigin(req: Request): void {
  const origin = req.get('origin');
  if (origin === undefined || isOwn(origin, req)) return;
  throw new ApiError(
    'forbidden',
    "sessions are for Posthorn's own pages, and this request comes from another origin; a proxy in front of Posthorn has to pass on the header Host",
  );
}

function isOwn(origin: string, { protocol, host }: Request): boolean {
  if (!URL.canParse(origin)) return false;
  const theirs = new URL(origin);
  const ours = `${theirs.protocol}//${host}`;
  if (!/^https?:$/.test(theirs.protocol) || !URL.canParse(ours)) return false;
  if (protocol === 'https' && theirs.protocol !== 'https:') return false;
  return theirs.origin === new URL(ours).origin;
}
