import { defineQuery, defineSignal, setHandler } from '@temporalio/workflow';

/** Signals of `deliverWebhook`. Pausing or cancelling never interrupts an exchange in progress. */
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
/** Ends the current wait: the attempt is made now, if it is due according to the delivery in MongoDB. */
export const wakeSignal = defineSignal('wake');
/**
 * The same regardless of its time, and of a pause by signal, which it ends; an attempt that is already running counts
 * as the requested one.
 */
export const retryNowSignal = defineSignal('retryNow');
/** The API adds how often the delivery had been replayed: what has been replayed since goes on. */
export const cancelSignal = defineSignal<[replays?: number]>('cancel');

/** `attempting`: an attempt runs or the retry policy waits for the next one. */
export type DeliveryPhase = 'attempting' | 'waiting' | 'paused' | 'done';

export const stateQuery = defineQuery<{ phase: DeliveryPhase }>('state');

/**
 * @param onWake what else is done then
 * @returns how often the workflow has been told that there is more to do
 */
export function countingWakes(onWake = (): void => {}): () => number {
  let wakes = 0;
  setHandler(wakeSignal, () => {
    wakes += 1;
    onWake();
  });
  return () => wakes;
}
