import type { Store } from '../src/store/store';

/** A slot of the rate limit this near is waited for in place, so that the rate is kept exactly. */
export const NEAR_SLOT_MS = 1000;

/** Milliseconds between two slots. */
export const spacingOf = (ratePerSecond: number): number => Math.ceil(1000 / ratePerSecond);

/** Takes a webhook's next slot, if it is near; returns the milliseconds until it, or null. */
export function takeNearSlot(
  { webhooks }: Pick<Store, 'webhooks'>,
  webhookId: string,
  ratePerSecond: number,
): Promise<number | null> {
  return webhooks.takeSlot(webhookId, spacingOf(ratePerSecond), NEAR_SLOT_MS);
}
