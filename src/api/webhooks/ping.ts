import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../../store/store';
import type { PingResult } from '../schemas/webhook';

/** Milliseconds between checks of the delivery. */
const POLL_MS = 100;
/** Milliseconds, beyond the attempt's own timeout, for starting and recording it. */
const MARGIN_MS = 5000;

/** Waits for the ping's one attempt; `pending`: no worker has finished it in time. */
export async function pingResult(
  store: Store,
  deliveryId: string,
  timeoutMs: number,
): Promise<PingResult> {
  const deadline = performance.now() + timeoutMs + MARGIN_MS;
  for (;;) {
    const delivery = await store.deliveries.find(deliveryId);
    const attempt = delivery?.attempts[0];
    if (attempt) {
      const { outcome, statusCode, errorCode } = attempt;
      return {
        outcome,
        ...(statusCode !== undefined && { statusCode }),
        ...(errorCode !== undefined && { errorCode }),
      };
    }
    if (!delivery || performance.now() > deadline) return { outcome: 'pending' };
    await sleep(POLL_MS);
  }
}
