import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { sleep } from '../scripts/lib/run.mjs';

const listenAgainMs = 500;
const listenTimeoutMs = 60_000;

/**
 * The receivers' kinds of behaviour. `types`: what its webhook subscribes to. `keeps`: every event must
 * arrive. `behave(res, n, random)`: n counts its requests from 1; it sends the answer or leaves it out.
 */
export const kinds = [
  { name: 'healthy', types: ['*'], keeps: true, behave: (res) => res.end() },
  // Its webhook is paused and resumed all the time, and its secret rotated.
  { name: 'steered', types: ['*'], keeps: true, behave: (res) => res.end() },
  {
    name: 'slow',
    types: ['email.opened'],
    behave: (res) => setTimeout(() => res.end(), 1200),
  },
  { name: 'hanging', types: ['email.clicked'], behave: () => {} },
  {
    name: 'flapping',
    types: ['email.bounced'],
    behave: (res, n, random) => res.writeHead(random.next() < 0.5 ? 500 : 204).end(),
  },
  {
    name: 'resetting',
    types: ['email.deferred'],
    policy: { autoDisableAfter: 25 },
    behave: (res) => res.socket.resetAndDestroy(),
  },
  {
    name: 'throttling',
    types: ['email.unsubscribed'],
    behave: (res, n) => {
      if (n % 3 === 0) res.end();
      else res.writeHead(429, { 'retry-after': '2' }).end();
    },
  },
  { name: 'gone', types: ['email.spam_reported'], behave: (res) => res.writeHead(410).end() },
  // Not listening during the middle third of the load.
  { name: 'dead for a while', types: ['email.delivered'], behave: (res) => res.end() },
];

/** A receiver that records what it got: `receipts` of `{deliveryId, sentAt, signature, previous, body, at}`. */
export class Receiver {
  receipts = [];
  /** All secrets that its webhook has had, in their order. */
  secrets = [];
  #server;
  #port = 0;

  constructor(kind, { projectId, dispatch, random }) {
    this.kind = kind;
    this.projectId = projectId;
    this.name = `${kind.name} (${dispatch})`;
    this.random = random;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Again on the same port, which another process may have taken meanwhile. */
  async listen() {
    this.#server = createServer((req, res) => {
      this.#receive(req, res).catch(() => req.destroy());
    });
    const deadlineMs = Date.now() + listenTimeoutMs;
    for (;;) {
      const listening = once(this.#server, 'listening');
      this.#server.listen(this.#port, '127.0.0.1');
      try {
        await listening;
        break;
      } catch (error) {
        if (error.code !== 'EADDRINUSE' || Date.now() >= deadlineMs) throw error;
        await sleep(listenAgainMs);
      }
    }
    this.#port = this.#server.address().port;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /**
   * Whether a request was signed with one of the webhook's secrets and, if it has a second signature, with
   * the one before it.
   */
  verify({ signature, previous, body }) {
    const signatures = this.secrets.map((secret) =>
      createHmac('sha256', secret).update(body).digest('hex'),
    );
    const index = signatures.indexOf(signature);
    return index !== -1 && (previous === undefined || previous === signatures[index - 1]);
  }

  async #receive(req, res) {
    const body = await buffer(req);
    this.receipts.push({
      deliveryId: req.headers['x-webhook-delivery-id'],
      // By the sender's knowledge of the time.
      sentAt: Number(req.headers['x-webhook-timestamp']),
      signature: req.headers['x-webhook-signature'],
      previous: req.headers['x-webhook-signature-previous'],
      body,
      at: Date.now(),
    });
    this.kind.behave(res, this.receipts.length, this.random);
  }
}
