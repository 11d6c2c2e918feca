import { defineQuery, defineSignal } from '@temporalio/workflow';

/** Signals of `deliverWebhook`. Pausing or cancelling never cuts an exchange that is under way. */
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
/** Ends the current wait: the attempt comes now, if its time has come by the delivery in MongoDB. */
export const wakeSignal = defineSignal('wake');
/** The same, whatever the time; an attempt that is already running counts as the one asked for. */
export const retryNowSignal = defineSignal('retryNow');
export const cancelSignal = defineSignal('cancel');

/** `attempting`: an attempt runs or the retry policy waits for the next one. */
export type DeliveryPhase = 'attempting' | 'waiting' | 'paused' | 'done';

export const stateQuery = defineQuery<{ phase: DeliveryPhase }>('state');
