import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import { callbackify } from 'node:util';
import {
  addressRefusal,
  type AddressPolicy,
  isAddress,
  isLoopbackAddress,
  parseCidr,
} from '../domain/address';
import { DnsError, type Resolve, systemResolver } from './resolver';

/** Connecting was refused: the host is, or resolves to, an address that may not be reached. */
export class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddressError';

  /** @param hostname as in the URL; addresses from DNS are kept out of logs */
  constructor(hostname: string) {
    super(
      isAddress(hostname)
        ? `${hostname} is not a public address`
        : `${hostname} resolves to an address that is not public`,
    );
  }
}

export interface AddressGuardOptions extends AddressPolicy {
  /** Only tests replace the system's resolver. */
  resolve?: Resolve;
}

/**
 * How many of a name's addresses are tried, one after the other: whoever owns the name decides how many there are.
 */
const MAX_ADDRESSES = 8;

/**
 * Keeps deliveries from reaching the operator's own network (server-side request forgery). It checks
 * the very addresses that the socket then connects to, so a name that changes its address between two
 * look-ups gains nothing.
 */
export class AddressGuard {
  private readonly resolve: Resolve;
  private readonly resolveCallback = callbackify(async (hostname: string) =>
    reachedFromHere(await this.resolveChecked(hostname)),
  );

  /** @throws Error when one of `allowedCidrs` isn't a network in CIDR notation */
  constructor(private readonly options: AddressGuardOptions) {
    options.allowedCidrs.forEach(parseCidr);
    this.resolve = options.resolve ?? systemResolver();
  }

  /** The name of the special range for which `address` is blocked; null if it isn't. */
  check(address: string): string | null {
    return addressRefusal(address, this.options);
  }

  /** For hosts that are addresses: sockets connect to those without calling `lookup`. */
  checkLiteral(hostname: string): BlockedAddressError | null {
    return isAddress(hostname) && this.check(hostname) !== null
      ? new BlockedAddressError(hostname)
      : null;
  }

  /**
   * The addresses of a host, for connections that a proxy makes for us.
   * @throws BlockedAddressError if one of them is blocked; DnsError
   */
  async addressesOf(hostname: string): Promise<string[]> {
    const blocked = this.checkLiteral(hostname);
    if (blocked) throw blocked;
    if (isAddress(hostname)) return [hostname];
    return (await this.resolveChecked(hostname)).map(({ address }) => address);
  }

  /** The `lookup` option of `net.connect` and `tls.connect` with `autoSelectFamily`, which ask for all addresses. */
  readonly lookup: LookupFunction = (hostname, _options, callback) => {
    this.resolveCallback(hostname, (error, addresses) => callback(error, addresses));
  };

  /**
   * At least one, and the first of many. A blocked one rejects the whole answer: no public name has a legitimate reason to mix them.
   */
  private async resolveChecked(hostname: string): Promise<LookupAddress[]> {
    const addresses = await this.resolve(hostname);
    if (addresses.some(({ address }) => this.check(address) !== null)) {
      throw new BlockedAddressError(hostname);
    }
    if (addresses.length === 0) throw new DnsError(hostname, 'ENOTFOUND');
    return firstOf(addresses);
  }
}

/**
 * Without IPv6 addresses if this machine has none: sockets give each address but the last a part of the time, and
 * try none of them again.
 */
function reachedFromHere(addresses: LookupAddress[]): LookupAddress[] {
  const reached = addresses.filter(
    ({ address, family }) => family === 4 || isLoopbackAddress(address) || hasIpv6(),
  );
  return reached.length > 0 ? reached : addresses;
}

const hasIpv6 = (): boolean =>
  Object.values(networkInterfaces()).some((of) =>
    of?.some(
      ({ family, internal, address }) =>
        family === 'IPv6' && !internal && !address.startsWith('fe80:'),
    ),
  );

/** Of both families in turn, since one of them may not be reachable at all. */
function firstOf(addresses: readonly LookupAddress[]): LookupAddress[] {
  const [{ family: preferred }] = addresses as [LookupAddress];
  const families = [
    addresses.filter(({ family }) => family === preferred),
    addresses.filter(({ family }) => family !== preferred),
  ];
  return Array.from({ length: MAX_ADDRESSES }, (_, n) =>
    families.flatMap((family) => family.slice(n, n + 1)),
  )
    .flat()
    .slice(0, MAX_ADDRESSES);
}
