import type { LookupAddress } from 'node:dns';
import { AddressGuard, type AddressGuardOptions } from '../../../src/delivery/address-guard';
import { HttpSender, type SendRequest } from '../../../src/delivery/http';
import { ConnectProxy, type ConnectProxyOptions } from '../../support/connect-proxy';
import { FullListener } from '../../support/full-listener';
import { type Behaviour, Receiver, type ReceiverOptions } from '../../support/receiver';
import { TestAuthority } from '../../support/tls-certificates';

/** Long enough for an answer on a busy machine, and the timeout of exchanges that must not meet it. */
export const PATIENT_MS = 10_000;
/** The timeout of exchanges that must meet it; a busy machine still connects within it. */
export const SHORT_MS = 3000;

/** The only authority, besides the public ones, that these senders trust. */
export const authority = new TestAuthority();
const closing: Array<() => Promise<void>> = [];

afterEach(async () => {
  // Latest first: senders release their connections before receivers close.
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A CONNECT proxy that the test's end closes. */
export async function startProxy(options?: ConnectProxyOptions) {
  const proxy = await ConnectProxy.start(options);
  closing.push(() => proxy.close());
  return proxy;
}

export async function startFullListener() {
  const listener = await FullListener.start();
  closing.push(() => listener.close());
  return listener;
}

export async function startReceiver(behaviour: Behaviour = 200, options?: ReceiverOptions) {
  const receiver = await Receiver.start(options);
  receiver.respondWith(behaviour);
  closing.push(() => receiver.close());
  return receiver;
}

interface SenderOptions extends Partial<AddressGuardOptions> {
  maxConnectionsPerOrigin?: number;
  proxy?: string;
}

export function createSender({
  maxConnectionsPerOrigin = 16,
  proxy,
  ...policy
}: SenderOptions = {}) {
  const guard = new AddressGuard({ allowLoopback: true, allowedCidrs: [], ...policy });
  const sender = new HttpSender({ guard, ca: authority.ca, proxy, maxConnectionsPerOrigin });
  closing.push(() => sender.close());
  return sender;
}

export function post(url: string, options: Partial<SendRequest> = {}): SendRequest {
  return {
    url,
    headers: { 'Content-Type': 'application/json', 'User-Agent': 'Posthorn/test' },
    body: '{"type":"email.sent"}',
    timeoutMs: PATIENT_MS,
    ...options,
  };
}

/** Resolves every name to these addresses. */
export function resolveTo(...addresses: string[]): Pick<AddressGuardOptions, 'resolve'> {
  const answer: LookupAddress[] = addresses.map((address) => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }));
  return { resolve: () => Promise.resolve(answer) };
}
