import type { ChangedBy } from './changed-by';
import { addressRefusal, isAddress, isLoopbackAddress } from './address';

/** Which URLs a webhook may have, other than https to a public host (docs/contract.md, 1.4). */
export interface WebhookUrlPolicy {
  /** Whether `http://` may be used for any host. */
  allowHttp: boolean;
  /** Whether loopback hosts may be used, by http too. */
  development: boolean;
  /** Networks that the operator allows, in CIDR notation. */
  allowedCidrs: readonly string[];
  /** Who is told what is wrong: settings are not a customer's concern. */
  reader: ChangedBy;
}

const MAX_LENGTH = 2048;
const MAX_HOST_LENGTH = 253;
const HOST_LABEL = /^[a-z0-9_-]{1,63}$/;

/**
 * The normal form of a URL: stored, shown and requested exactly so. Characters that are not allowed in a path
 * or query (RFC 3986, 3.3) are percent-encoded. The URL parser leaves some of them, depending on its version,
 * but strict receivers refuse requests with `{`, `|` or a lone `%`.
 */
export function canonicalWebhookUrl(url: string): string {
  const { origin, pathname, search } = new URL(url);
  const target = `${pathname}${search}`;
  return `${origin}${target.replace(NOT_IN_TARGET, encodeURIComponent)}`;
}

const NOT_IN_TARGET = /%(?![0-9A-Fa-f]{2})|[^%\w.~!$&'()*+,;=:@/?-]/g;

/**
 * What is wrong with a webhook's URL, as a message for the field `url`; null if it may be used. A
 * name's addresses are checked when connecting (src/delivery/address-guard.ts): they can change after
 * the webhook is created.
 */
export function checkWebhookUrl(url: string, policy: WebhookUrlPolicy): string | null {
  if (url.length > MAX_LENGTH) return `must not be longer than ${MAX_LENGTH} characters`;
  // The URL parser would drop or change these, so that a URL other than the given one would be stored.
  if (/[\s\p{Cc}\p{Cf}]/u.test(url)) return 'must not contain spaces or control characters';
  if (/\p{Cs}/u.test(url)) return 'must not contain a lone surrogate';
  if (url.includes('\\')) return 'must not contain a backslash';
  if (url.includes('#')) return 'must not have a fragment';

  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url);
  if (scheme === null) return 'must be a URL such as https://example.com/hooks';
  const isHttp = scheme[1]!.toLowerCase() === 'http';
  if (!isHttp && scheme[1]!.toLowerCase() !== 'https') return 'must be an https URL';

  const authority = url.slice(scheme[0].length).replace(/[/?].*$/, '');
  if (authority.includes('@')) {
    return 'must not contain credentials; send them in `headers`, as Authorization: Basic …';
  }
  if (authority === '' || authority.startsWith(':')) return 'must have a host';
  // A name that looks like another should at least be visible as what it is.
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
  if (refusal === null) return null;
  const isOurs = policy.reader === 'platform';
  return `must not point to an address that is not public${isOurs ? ', unless POSTHORN_ALLOWED_CIDRS allows its network' : ''}`;
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

const MAX_NAME_LENGTH = 200;

/** A name for a webhook that has none. */
export function nameAfterHost(url: string): string {
  return (URL.canParse(url) && new URL(url).host.slice(0, MAX_NAME_LENGTH)) || 'webhook';
}
