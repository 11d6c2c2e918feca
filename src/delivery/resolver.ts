import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { readFileSync, statSync } from 'node:fs';
import { isAddress } from '../domain/address';
import { isLocalhost } from '../domain/webhook-url';

/** A host's addresses could not be resolved; `code` says why (node:dns). */
export class DnsError extends Error {
  override readonly name = 'DnsError';

  constructor(
    hostname: string,
    readonly code: string,
  ) {
    super(`${hostname} could not be resolved`);
  }
}

/**
 * All addresses of a host.
 * @throws DnsError
 */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/** Milliseconds until a query is repeated, to the next name server if there are several; then doubled. */
const QUERY_TIMEOUT_MS = 1_000;
const QUERY_TRIES = 4;
/** Milliseconds for resolving a host: half of most profiles' timeout. */
const RESOLVE_TIMEOUT_MS = 5_000;
/** Milliseconds for IPv6 once there are IPv4 addresses: some name servers never answer for IPv6. */
const IPV6_AFTER_MS = 300;
/** The other way round, for which its query is repeated once: most receivers have IPv4. */
const IPV4_AFTER_MS = 1_500;

const LOOPBACK: LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

export interface SystemResolverOptions {
  /** `address:port` of name servers; default: those of resolv.conf. */
  nameServers?: string[];
  hostsFile?: string;
}

/**
 * Resolves with the hosts file, then with DNS. Not `dns.lookup`: it blocks one of the process's few threads, so a
 * handful of names whose server is silent would hold up all others. Here a query is a packet, and its answer an
 * event. IPv4 comes first: a missing route is reported at once for IPv6, but often not for IPv4.
 */
export function systemResolver({
  nameServers,
  hostsFile = '/etc/hosts',
}: SystemResolverOptions = {}): Resolve {
  const hosts = new HostsFile(hostsFile);
  return async (hostname) => {
    const name = hostname.toLowerCase().replace(/\.$/, '');
    if (isLocalhost(name)) return LOOPBACK;
    return hosts.find(name) ?? (await query(hostname, nameServers));
  };
}

async function query(hostname: string, nameServers?: string[]): Promise<LookupAddress[]> {
  const resolvers: Resolver[] = [];
  let isGivenUp = false;
  const giveUp = (): void => {
    isGivenUp = true;
    for (const resolver of resolvers) resolver.cancel();
  };
  // For this host alone: cancelling it affects no other host's queries, and it uses the current resolv.conf.
  const resolverOf = (servers?: string[]): Resolver => {
    const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
    if (servers) resolver.setServers(servers);
    resolvers.push(resolver);
    return resolver;
  };
  const ask = async (resolver: Resolver, by: Query): Promise<string[]> => {
    try {
      return await by(resolver);
    } catch (error) {
      const others = resolver.getServers().slice(1);
      // Given up between its answer and this line: nothing would cancel another query.
      if (!isServerFailure(error) || others.length === 0 || isGivenUp) throw error;
      return await ask(resolverOf(others), by).catch((later: unknown) => {
        throw isAnswer(later) ? later : error;
      });
    }
  };
  const first = resolverOf(nameServers);
  const timers = [setTimeout(giveUp, RESOLVE_TIMEOUT_MS)];
  const leaving = async (by: Query, ms: number): Promise<string[]> => {
    const found = await ask(first, by);
    timers.push(setTimeout(giveUp, ms));
    return found;
  };
  const [v4, v6] = await Promise.allSettled([
    leaving((resolver) => resolver.resolve4(hostname), IPV6_AFTER_MS),
    leaving((resolver) => resolver.resolve6(hostname), IPV4_AFTER_MS),
  ]);
  for (const timer of timers) clearTimeout(timer);
  const found = [...addresses(v4, 4), ...addresses(v6, 6)];
  if (found.length === 0) throw new DnsError(hostname, tellingCode([v4, v6]));
  return found;
}

type Query = (resolver: Resolver) => Promise<string[]>;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Failures after which the C library asks the next name server; c-ares, as Node configures it, does not. */
const isServerFailure = (error: unknown): boolean =>
  ['ESERVFAIL', 'EREFUSED', 'ENOTIMP'].includes(codeOf(error)!);

/** DNS has answered: the name doesn't exist, or has no addresses of the family. */
const isAnswer = (error: unknown): boolean => ['ENOTFOUND', 'ENODATA'].includes(codeOf(error)!);

function addresses(answer: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  if (answer.status === 'rejected') return [];
  return answer.value.map((address) => ({ address, family }));
}

/** The one of the two that says more than that its family has no addresses. */
function tellingCode(answers: PromiseSettledResult<string[]>[]): string {
  const codes = answers.flatMap((answer) =>
    answer.status === 'rejected' ? [codeOf(answer.reason)] : [],
  );
  const code = codes.find((each) => each !== 'ENODATA') ?? 'ENOTFOUND';
  return code === 'ECANCELLED' ? 'ETIMEOUT' : code;
}

/** `/etc/hosts`, read again after changes. */
class HostsFile {
  private changedAt = 0;
  private hosts = new Map<string, LookupAddress[]>();

  constructor(private readonly path: string) {}

  find(name: string): LookupAddress[] | undefined {
    const changedAt = statSync(this.path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changedAt !== this.changedAt) {
      this.hosts = changedAt === 0 ? new Map() : parse(read(this.path));
      // Not before: what could not be read for want of something is read again.
      this.changedAt = changedAt;
    }
    return this.hosts.get(name);
  }
}

/** One that may not be read is none, as for the C library. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(codeOf(error) ?? '')) throw error;
    return '';
  }
}

function parse(text: string): Map<string, LookupAddress[]> {
  const hosts = new Map<string, LookupAddress[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (!address || !isAddress(address)) continue;
    for (const name of names.map((each) => each.toLowerCase())) {
      const family = address.includes(':') ? 6 : 4;
      hosts.set(name, [...(hosts.get(name) ?? []), { address, family }]);
    }
  }
  return hosts;
}
