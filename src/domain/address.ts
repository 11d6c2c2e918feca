import ipaddr from 'ipaddr.js';

/** Which addresses may be reached in addition to public ones. */
export interface AddressPolicy {
  /** Whether 127.0.0.0/8 and ::1 may be reached: in development only (docs/contract.md, 1.4). */
  allowLoopback: boolean;
  /** Networks that the operator opened: `10.1.0.0/16`, `fd00:1::/32`. */
  allowedCidrs: readonly string[];
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** All that IANA has allocated as global unicast; ipaddr.js calls the rest "unicast" as well. */
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** RFC 4291, 2.5.5.1: deprecated, but some systems still route it to the embedded address. */
const IPV4_COMPATIBLE = ipaddr.IPv6.parseCIDR('::/96');
/** Azure's host agent: a public address by number, but really each machine's metadata service. */
const AZURE_HOST_AGENT = ipaddr.IPv4.parseCIDR('168.63.129.16/32');

/**
 * Why an address may not be delivered to: the name of its special range, or `invalid`; null when it
 * may. Only global unicast passes, and what the policy allows. If an address embeds an IPv4 address
 * (NAT64, 6to4, …), both must pass; an IPv4-mapped one, which the system treats as its IPv4 address,
 * passes only if the policy allows that: such addresses are never published.
 *
 * @param address canonical text, as in resolvers' answers and WHATWG URLs, without brackets
 */
export function addressRefusal(address: string, policy: AddressPolicy): string | null {
  const parsed = parseAddress(address);
  return parsed === null ? 'invalid' : refusal(parsed, policy);
}

/** Whether `text` is an address rather than a name. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== null;
}

export function isLoopbackAddress(text: string): boolean {
  return isAddress(text) && ipaddr.process(text).range() === 'loopback';
}

/** @throws Error unless it is a network in CIDR notation, IPv4 in four decimal parts */
export function parseCidr(cidr: string): [Address, number] {
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr)) return ipaddr.IPv4.parseCIDR(cidr);
  if (ipaddr.IPv6.isValidCIDR(cidr)) return ipaddr.IPv6.parseCIDR(cidr);
  throw new Error(`not a network in CIDR notation: ${cidr}`);
}

function parseAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text);
  return null;
}

function refusal(address: Address, policy: AddressPolicy): string | null {
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()) {
    return isOpened(address.toIPv4Address(), policy) ? null : 'ipv4Mapped';
  }
  const range = specialRange(address);
  if (range === null) return null;
  if (!isOpened(address, policy)) return range;
  const embedded = address instanceof ipaddr.IPv6 ? embeddedIpv4(address, range) : null;
  return embedded === null ? null : refusal(embedded, policy);
}

function isOpened(address: Address, policy: AddressPolicy): boolean {
  if (policy.allowLoopback && address.range() === 'loopback') return true;
  return policy.allowedCidrs.map(parseCidr).some((network) => isIn(address, network));
}

function isIn(address: Address, network: [Address, number]): boolean {
  return address.kind() === network[0].kind() && address.match(network);
}

/** The name of the range that keeps an address from being public; null for a public one. */
function specialRange(address: Address): string | null {
  const range = address.range();
  if (range !== 'unicast') return range;
  if (isIn(address, AZURE_HOST_AGENT)) return 'metadata';
  if (address instanceof ipaddr.IPv4 || isIn(address, GLOBAL_UNICAST_V6)) return null;
  return isIn(address, IPV4_COMPATIBLE) ? 'ipv4Compatible' : 'reserved';
}

function embeddedIpv4(address: ipaddr.IPv6, range: string): ipaddr.IPv4 | null {
  const bytes = address.toByteArray();
  switch (range) {
    case 'rfc6052': // NAT64
    case 'rfc6145': // IPv4-translated
    case 'ipv4Compatible':
      return new ipaddr.IPv4(bytes.slice(12));
    case '6to4':
      return new ipaddr.IPv4(bytes.slice(2, 6));
    default:
      return null;
  }
}
