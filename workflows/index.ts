export { drainWebhook, replayDeliveries } from './bulk';
export { courier } from './courier';
export { deliverWebhook } from './deliver';
export { fanOutEvent } from './fan-out';
export { reconcile } from './reconcile';
