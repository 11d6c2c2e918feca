import type { Request } from 'express';
import { ApiError } from './errors';

/** The address at which browsers reach Posthorn: for every link, and for its pages. */
export class OwnAddress {
  /** @param publicUrl POSTHORN_PUBLIC_URL; undefined: the address is the one that each request names */
  constructor(private readonly publicUrl: string | undefined) {}

  /** Without a slash at the end. */
  of({ protocol, host }: Request): string {
    return this.publicUrl ?? `${protocol}://${host}`;
  }

  /**
   * The same, for a link that is sent to somebody.
   * @throws ApiError 400 where it is not known: HTTP/1.0 needs no Host
   */
  ofLink(req: Request): string {
    if (this.publicUrl === undefined && !req.host) {
      const message =
        'the address of the link is not known: send the header Host, or set POSTHORN_PUBLIC_URL';
      throw new ApiError('bad_request', message);
    }
    return this.of(req);
  }

  /**
   * Refuses what a page of another origin sends.
   * @throws ApiError 403
   */
  refuseForeignOrigin(req: Request): void {
    const origin = req.get('origin');
    // For what a page requests but can't read, such as an image, browsers don't send the origin, but whether it is
    // the page's own.
    const isForeign =
      origin === undefined
        ? /^(same|cross)-site$/.test(req.get('sec-fetch-site') ?? '')
        : !this.isOwn(origin, req);
    if (!isForeign) return;
    const { publicUrl } = this;
    throw new ApiError(
      'forbidden',
      publicUrl === undefined
        ? 'pages of other origins may not send this; a proxy in front of Posthorn has to pass on the header Host, or POSTHORN_PUBLIC_URL has to be set'
        : `pages of origins other than that of ${publicUrl} (POSTHORN_PUBLIC_URL) may not send this`,
    );
  }

  /**
   * Where a proxy ends TLS and is counted neither by POSTHORN_TRUSTED_PROXIES nor by POSTHORN_PUBLIC_URL, the
   * scheme is not known, and only the host is compared.
   */
  private isOwn(origin: string, { protocol, host }: Request): boolean {
    if (!URL.canParse(origin)) return false;
    const theirs = new URL(origin);
    if (this.publicUrl !== undefined) return theirs.origin === new URL(this.publicUrl).origin;
    const ours = `${theirs.protocol}//${host}`;
    if (!/^https?:$/.test(theirs.protocol) || !URL.canParse(ours)) return false;
    if (protocol === 'https' && theirs.protocol !== 'https:') return false;
    return theirs.origin === new URL(ours).origin;
  }
}
