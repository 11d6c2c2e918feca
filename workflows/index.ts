export { drainWebhook, replayDeliveries } from './batches';
export { deliverWebhook } from './deliver';
export { fanOutEvent } from './fan-out';
export { reconcile } from './reconcile';
