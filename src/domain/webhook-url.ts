import { addressRefusal, isAddress, isLoopbackAddress } from './address';

/** What a webhook's URL may be, beyond https to a public host (docs/contract.md, 1.4). */
export interface WebhookUrlPolicy {
  /** Whether `http://` may be used for any host. */
  allowHttp: boolean;
  /** Whether loopback hosts may be used, by http too. */
  development: boolean;
  /** Networks that the operator opened, in CIDR notation. */
  allowedCidrs: readonly string[];
}

const MAX_LENGTH = 2048;
const MAX_HOST_LENGTH = 253;
const HOST_LABEL = /^[a-z0-9_-]{1,63}$/;

/**
 * The one form of a URL that may be used: stored, shown, and sent just so. What may not stand in a path or
 * query (RFC 3986, 3.3) is percent-encoded, beyond what the URL parser does, which leaves some of it, by
 * its version: strict receivers refuse requests with `{`, `|` or a lone `%`.
 */
export function canonicalWebhookUrl(url: string): string {
  const { origin, pathname, search } = new URL(url);
  const target = `${pathname}${search}`;
  return `${origin}${target.replace(NOT_IN_TARGET, encodeURIComponent)}`;
}

const NOT_IN_TARGET = /%(?![0-9A-Fa-f]{2})|[^%\w.~!$&'()*+,;=:@/?-]/g;

/**
 * What is wrong with a webhook's URL, as a message for the field `url`; null when it may be used.
 * A name's addresses are judged when it is connected to (src/delivery/address-guard.ts): they can
 * change after the webhook is made.
 */
export function checkWebhookUrl(url: string, policy: WebhookUrlPolicy): string | null {
  if (url.length > MAX_LENGTH) return `must not be longer than ${MAX_LENGTH} characters`;
  // The URL parser would drop or change these, and then another URL than the one given were stored.
  if (/[\s\p{Cc}\p{Cf}]/u.test(url)) return 'must not contain spaces or control characters';
  if (/\p{Cs}/u.test(url)) return 'must not contain half a character (a lone surrogate)';
  if (url.includes('\\')) return 'must not contain a backslash';
  if (url.includes('#')) return 'must not have a fragment';

  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url);
  if (scheme === null) return 'must be a URL such as https://example.com/hooks';
  const isHttp = scheme[1]!.toLowerCase() === 'http';
  if (!isHttp && scheme[1]!.toLowerCase() !== 'https') return 'must be an https URL';

  const authority = url.slice(scheme[0].length).replace(/[/?].*$/, '');
  if (authority.includes('@')) return 'must not contain credentials';
  if (authority === '' || authority.startsWith(':')) return 'must have a host';
  // A name that looks like another one should at least be seen for what it is.
  if (/[^\x20-\x7e]/.test(authority)) return 'must have its host in its ASCII (punycode) form';
  if (authority.includes('%')) return 'must not have a percent-encoded host';

  if (!URL.canParse(url)) return 'must be a URL such as https://example.com/hooks';
  const { hostname, port } = new URL(url);
  if (port === '0') return 'must not have port 0';

  // The parser has turned every spelling of an IPv4 address (0x7f.1, 2130706433, …) into one.
  const host = hostname.replace(/^\[|\]$/g, '');
  const problem = isAddress(host) ? checkAddress(host, policy) : checkName(host, policy);
  if (problem !== null) return problem;
  if (
    isHttp &&
    !policy.allowHttp &&
    !(policy.development && (isLocalhost(host) || isLoopbackAddress(host)))
  ) {
    return 'must be an https URL';
  }
  return canonicalWebhookUrl(url).length > MAX_LENGTH
    ? `must not be longer than ${MAX_LENGTH} characters when it is percent-encoded`
    : null;
}

function checkAddress(address: string, policy: WebhookUrlPolicy): string | null {
  const refusal = addressRefusal(address, {
    allowLoopback: policy.development,
    allowedCidrs: policy.allowedCidrs,
  });
  return refusal === null ? null : 'must not point to an address that is not public';
}

function checkName(host: string, { development }: WebhookUrlPolicy): string | null {
  if (isLocalhost(host.replace(/\.$/, '')) && !development) return 'must not point to localhost';
  if (host.endsWith('.')) return 'must not have a host that ends with a dot';
  const isName = host.length <= MAX_HOST_LENGTH && host.split('.').every((l) => HOST_LABEL.test(l));
  return isName ? null : 'must have a valid host name';
}

/** RFC 6761, 6.3: `localhost` and all names below it. */
export function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}
