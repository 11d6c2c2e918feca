import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../../store/store';
import type { WebhookRecord } from '../../store/webhook-record';
import type { PingResult } from '../schemas/webhook';

/** Milliseconds between checks of the delivery. */
const POLL_MS = 100;
/** Milliseconds, beyond the attempt's own timeout, for starting and recording it. */
const MARGIN_MS = 5000;

/**
 * Waits until the ping's one attempt is made, and counted in its new webhook's health.
 * @returns its result (`pending`: no worker has finished it in time), and the webhook as it is then
 */
export async function pingResult(
  store: Store,
  webhook: WebhookRecord,
  deliveryId: string,
  timeoutMs: number,
): Promise<{ ping: PingResult; webhook: WebhookRecord }> {
  const deadline = performance.now() + timeoutMs + MARGIN_MS;
  for (;;) {
    const delivery = await store.deliveries.find(deliveryId);
    const attempt = delivery?.attempts[0];
    const current = attempt && (await store.webhooks.get(webhook.projectId, webhook._id));
    const isOver = !delivery || performance.now() > deadline;
    if (attempt && (!current || current.lastStatus !== null || isOver)) {
      const { outcome, statusCode, errorCode } = attempt;
      const ping = {
        outcome,
        ...(statusCode !== undefined && { statusCode }),
        ...(errorCode !== undefined && { errorCode }),
      };
      return { ping, webhook: current ?? webhook };
    }
    if (isOver) return { ping: { outcome: 'pending' }, webhook };
    await sleep(POLL_MS);
  }
}
