/** What a next version may be: a delivery has a further command, behind `patched()`. */
import { patched, upsertMemo } from '@temporalio/workflow';
import type { DeliverInput, RoundResult } from '../../src/contracts/activities';
import { deliverWebhook as deliverAsNow } from '../../workflows';

export { drainWebhook, fanOutEvent, reconcile, replayDeliveries } from '../../workflows';

export async function deliverWebhook(input: DeliverInput): Promise<RoundResult> {
  const result = await deliverAsNow(input);
  if (patched('next-version')) upsertMemo({ version: 'next' });
  return result;
}
