import { defineEvent } from './define-event';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/durations';
import {
  bouncedData,
  campaignSentData,
  clickedData,
  complainedData,
  contactCreatedData,
  contactUpdatedData,
  deliveredData,
  openedData,
  pingData,
  unsubscribedData,
} from './emailsendx-schemas';
import type { Profile } from './profile';

const campaign = {
  campaignId: 'clx8t2m4n0001qw3r7k9v5b2d',
  campaignName: 'October Newsletter',
};

const contact = {
  contactId: 'clx1a2b3c4d5e6f7g8h9i0j1k',
  contactEmail: 'jane.doe@example.com',
};

const email = {
  emailId: 'email_7f3a9c21d5e8',
  ...campaign,
  ...contact,
  sentAt: '2026-10-01T09:30:00.000Z',
};

const client = {
  userAgent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15',
  ipAddress: '203.0.113.42',
};

const person = {
  ...contact,
  firstName: 'Jane',
  lastName: 'Doe',
  metadata: { company: 'Example Ltd', plan: 'pro' },
};

/** What EmailSendX documents: hex signatures, five retries, a ping on creation (docs/contract.md, 1.1, 2.4). */
export const emailsendx: Profile = {
  name: 'emailsendx',
  events: [
    defineEvent(
      'email.delivered',
      "The recipient's mail server accepted an email.",
      deliveredData,
      { ...email, deliveredAt: '2026-10-01T09:30:04.000Z' },
    ),
    defineEvent('email.opened', 'A recipient opened an email.', openedData, {
      ...email,
      openedAt: '2026-10-01T10:12:45.000Z',
      ...client,
    }),
    defineEvent('email.clicked', 'A recipient clicked a link in an email.', clickedData, {
      ...email,
      url: 'https://acme.example/updates/october?utm_source=newsletter',
      clickedAt: '2026-10-01T10:13:10.000Z',
      ...client,
    }),
    defineEvent('email.bounced', 'An email could not be delivered to its recipient.', bouncedData, {
      ...email,
      bouncedAt: '2026-10-01T09:30:05.000Z',
      bounceType: 'hard',
      reason: '550 5.1.1 The mailbox does not exist',
    }),
    defineEvent('email.complained', 'A recipient reported an email as spam.', complainedData, {
      ...email,
      complainedAt: '2026-10-01T11:02:31.000Z',
    }),
    defineEvent('email.unsubscribed', 'A recipient unsubscribed.', unsubscribedData, {
      ...email,
      unsubscribedAt: '2026-10-01T10:14:02.000Z',
    }),
    defineEvent('contact.created', 'A contact was added.', contactCreatedData, {
      ...person,
      createdAt: '2026-10-01T09:30:00.000Z',
    }),
    defineEvent('contact.updated', "A contact's fields changed.", contactUpdatedData, {
      ...person,
      changedFields: ['lastName', 'plan'],
      updatedAt: '2026-10-01T09:30:00.000Z',
    }),
    defineEvent('campaign.sent', 'A campaign was sent to all its recipients.', campaignSentData, {
      ...campaign,
      sentAt: '2026-10-01T09:30:00.000Z',
      recipientCount: 1_842,
    }),
  ],
  eventTypesFromProject: false,
  aliases: new Map(),
  providerEvents: null,
  envelope: { event: 'type', workspaceId: 'workspace', timestamp: 'createdAt', data: 'data' },
  signing: ['hex'],
  secretFormat: 'raw',
  secretFromCaller: false,
  policy: {
    timeoutMs: 30_000,
    retryDelaysMs: [30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, 1 * HOUR_MS],
    autoDisableAfter: null,
    ratePerSecond: null,
    backlogOrder: 'oldest_first',
  },
  maxWebhooks: 10,
  plansWithoutWebhooks: ['hobby'],
  httpInDevelopment: false,
  pingOnCreate: defineEvent('ping', 'A webhook was created; nothing has happened.', pingData, {
    test: true,
    message: 'This is a test of a new webhook. No email was sent.',
  }),
  notifyOwnerOnDisable: false,
};
