import { defineEvent } from './define-event';
import { MINUTE_MS } from '../domain/durations';
import { activityData, bounceData, clickData } from './platform-schemas';
import type { Profile } from './profile';

const activity = {
  email_id: '4ef9a417-02e9-4d39-ad75-9611e0fcc33c',
  recipient: 'jane.doe@example.com',
  timestamp: '2026-10-01T09:30:00.000Z',
};

/** An e-mail platform that passes its providers' events on (docs/contract.md, 1.1, 2.3 and 6). */
export const platform: Profile = {
  name: 'platform',
  events: [
    defineEvent('email.open', 'A recipient opened an email.', activityData, activity),
    defineEvent('email.click', 'A recipient clicked a link in an email.', clickData, {
      ...activity,
      url: 'https://acme.example/updates/october?utm_source=newsletter',
    }),
    defineEvent('email.bounce', 'An email could not be delivered to its recipient.', bounceData, {
      ...activity,
      bounce_type: 'hard',
      reason: '550 5.1.1 The mailbox does not exist',
    }),
    defineEvent('email.unsubscribe', 'A recipient unsubscribed.', activityData, activity),
  ],
  eventTypesFromProject: false,
  aliases: new Map([
    ['open', 'email.open'],
    ['click', 'email.click'],
    ['bounce', 'email.bounce'],
    ['unsubscribe', 'email.unsubscribe'],
  ]),
  providerEvents: {
    types: new Map([
      ['opened', 'email.open'],
      ['clicked', 'email.click'],
      ['bounced', 'email.bounce'],
      ['unsubscribed', 'email.unsubscribe'],
    ]),
    data: ({ emailId, recipient, timestamp }) => ({
      email_id: emailId,
      ...(recipient !== undefined && { recipient }),
      timestamp,
    }),
  },
  envelope: { type: 'type', createdAt: 'createdAt', data: 'data' },
  signing: ['hex'],
  secretFormat: 'raw',
  secretFromCaller: true,
  policy: {
    timeoutMs: 10_000,
    retryDelaysMs: [1 * MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS],
    autoDisableAfter: null,
    ratePerSecond: null,
    backlogOrder: 'oldest_first',
  },
  maxWebhooks: 100,
  plansWithoutWebhooks: [],
  httpInDevelopment: false,
  pingOnCreate: null,
  notifyOwnerOnDisable: false,
};
