import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { addressRefusal, type AddressPolicy, isAddress, parseCidr } from '../domain/address';

/** Connecting was refused: the host is, or resolves to, an address that may not be reached. */
export class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddressError';

  /** @param hostname as the URL names it; the addresses that DNS revealed are kept out of logs */
  constructor(hostname: string) {
    super(
      isAddress(hostname)
        ? `${hostname} is not a public address`
        : `${hostname} resolves to an address that is not public`,
    );
  }
}

/** Node's `dns.lookup` with `all: true`. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface AddressGuardOptions extends AddressPolicy {
  /** Only tests replace the system's resolver. */
  resolve?: Resolve;
}

/**
 * Keeps deliveries from reaching the operator's own network (server-side request forgery). It
 * judges the very addresses that the socket then connects to, so a name that changes its address
 * between two look-ups gains nothing.
 */
export class AddressGuard {
  private readonly resolve: Resolve;

  /** @throws Error when one of `allowedCidrs` isn't a network in CIDR notation */
  constructor(private readonly options: AddressGuardOptions) {
    options.allowedCidrs.forEach(parseCidr);
    this.resolve = options.resolve ?? dnsLookup;
  }

  /** The name of the special range that keeps `address` from being reached; null when it may be. */
  check(address: string): string | null {
    return addressRefusal(address, this.options);
  }

  /** For hosts that are addresses: a socket connects to those without calling `lookup`. */
  checkLiteral(hostname: string): BlockedAddressError | null {
    return isAddress(hostname) && this.check(hostname) !== null
      ? new BlockedAddressError(hostname)
      : null;
  }

  /**
   * The addresses of a host, for connections that others make for us.
   * @throws BlockedAddressError when one of them is blocked; the resolver's error
   */
  async addressesOf(hostname: string): Promise<string[]> {
    const blocked = this.checkLiteral(hostname);
    if (blocked) throw blocked;
    if (isAddress(hostname)) return [hostname];
    return new Promise((resolve, reject) => {
      this.lookup(hostname, { all: true }, (error, addresses) => {
        if (error) reject(error);
        else resolve((addresses as LookupAddress[]).map(({ address }) => address));
      });
    });
  }

  /**
   * The `lookup` option of `net.connect` and `tls.connect`. One blocked address refuses the whole
   * answer: a public name has no honest reason to mix them.
   */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      if (addresses.some(({ address }) => this.check(address) !== null)) {
        return callback(new BlockedAddressError(hostname), '');
      }
      const [first] = addresses;
      if (first === undefined) return callback(noAddress(hostname), '');
      // With autoSelectFamily, the default since Node 20, sockets ask for all addresses.
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };
}

function noAddress(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
}
