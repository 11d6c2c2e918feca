import { setTimeout as sleep } from 'node:timers/promises';
import { UNENDED_STATUSES, type Attempt } from '../../contracts/delivery';
import { isOperators, lastCounting } from '../../domain/outcome';
import type { DeliveryRecord } from '../../store/delivery-record';
import type { Store } from '../../store/store';
import type { WebhookRecord } from '../../store/webhook-record';
import { Places } from '../http/turns';
import type { PingResult } from '../schemas/webhook';

/** Milliseconds between checks of the delivery: at first, and at most; each half as long again as the one before. */
const CHECK_MS = { first: 100, most: 1000 };
/** Milliseconds, beyond the attempt's own timeout, for starting and recording it. */
const MARGIN_MS = 5000;
/** Pings of a project that are waited for at a time, and as many of all its portal links. */
const AT_A_TIME = 10;

export interface Ping {
  webhook: WebhookRecord;
  deliveryId: string;
  /** The attempt's. */
  timeoutMs: number;
  /** Whose share it takes (`shareOf`). */
  owner: string;
  /** Whether nobody is waiting for the answer any longer. */
  isOver: () => boolean;
}

/** Its result, and the webhook afterwards. */
interface Pinged {
  ping: PingResult;
  webhook: WebhookRecord;
}

/** Waits for pings of new webhooks. */
export class Pings {
  private readonly places = new Places(AT_A_TIME);

  constructor(private readonly store: Store) {}

  /**
   * Waits until the ping's one attempt is made, and counted in its new webhook's health, which it may disable.
   * @returns `pending`: no worker has finished it in time, it will not be made, or too many are waited for
   */
  async resultOf(ping: Ping): Promise<Pinged> {
    const end = this.places.take(ping.owner);
    if (!end) return { ping: { outcome: 'pending' }, webhook: ping.webhook };
    try {
      return await this.follow(ping);
    } finally {
      end();
    }
  }

  private async follow({ webhook, deliveryId, timeoutMs, isOver }: Ping): Promise<Pinged> {
    const { store } = this;
    const deadline = performance.now() + timeoutMs + MARGIN_MS;
    for (let waitMs = CHECK_MS.first; ; waitMs = Math.min(waitMs * 1.5, CHECK_MS.most)) {
      const delivery = await store.deliveries.find(deliveryId);
      const attempt = delivery && lastCounting(delivery.attempts);
      const current = attempt && (await store.webhooks.get(webhook.projectId, webhook._id));
      const isLate = !delivery || performance.now() > deadline || isOver();
      // What could not leave its worker is not counted.
      const isCounted = attempt && (isOperators(attempt) || current?.lastStatus !== null);
      if (attempt && (!current || isLate || (isCounted && isFollowedUp(delivery, attempt)))) {
        const { outcome, statusCode, errorCode } = attempt;
        return { ping: { outcome, statusCode, errorCode }, webhook: current ?? webhook };
      }
      // A ping without an attempt ends with its webhook.
      const isEnded = !attempt && !!delivery && !UNENDED_STATUSES.includes(delivery.status);
      if (isLate || isEnded) return { ping: { outcome: 'pending' }, webhook };
      await sleep(waitMs);
    }
  }
}

/** Whether the consequences of its one attempt that counts, if that has failed, have followed. */
function isFollowedUp(
  { isExpress, followUp, healthCounted }: DeliveryRecord,
  { outcome }: Attempt,
): boolean {
  if (outcome !== 'failed') return true;
  return isExpress ? !followUp : healthCounted !== undefined;
}
