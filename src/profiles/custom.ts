import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/durations';
import type { Profile } from './profile';

/** Standard Webhooks as specified, for event types of the project's own (docs/contract.md, 1.1, 2.6). */
export const custom: Profile = {
  name: 'custom',
  events: [],
  eventTypesFromProject: true,
  aliases: new Map(),
  providerEvents: null,
  envelope: { type: 'type', timestamp: 'createdAt', data: 'data' },
  signing: ['standard'],
  secretFormat: 'whsec',
  secretFromCaller: true,
  policy: {
    timeoutMs: 15_000,
    retryDelaysMs: [
      5 * SECOND_MS,
      5 * MINUTE_MS,
      30 * MINUTE_MS,
      2 * HOUR_MS,
      5 * HOUR_MS,
      10 * HOUR_MS,
      10 * HOUR_MS,
    ],
    autoDisableAfter: 100,
    ratePerSecond: null,
    backlogOrder: 'oldest_first',
  },
  maxWebhooks: 100,
  plansWithoutWebhooks: [],
  httpInDevelopment: true,
  pingOnCreate: null,
  notifyOwnerOnDisable: true,
};
