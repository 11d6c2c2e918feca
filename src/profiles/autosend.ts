import {
  bouncedData,
  clickedData,
  contactCreatedData,
  contactDeletedData,
  contactUpdatedData,
  deferredData,
  groupResubscribedData,
  groupUnsubscribedData,
  messageData,
  spamReportedData,
  unsubscribedData,
} from './autosend-schemas';
import { defineEvent } from './define-event';
import { MINUTE_MS } from '../domain/durations';
import type { Profile } from './profile';

const campaignEmail = {
  emailId: '66f2a1b3c4d5e6f708192a3b',
  from: 'Acme <news@acme.example>',
  to: { email: 'jane.doe@example.com', name: 'Jane Doe' },
  subject: 'Your October update',
  test: false,
  campaignId: '66f2a0c1d2e3f40516273849',
  templateId: '66e9b7a6958473625140fedc',
};

const transactionalEmail = {
  emailId: '66f2a1b3c4d5e6f708192a4c',
  from: 'Acme <billing@acme.example>',
  to: { email: 'jane.doe@example.com', name: 'Jane Doe' },
  subject: 'Your receipt from Acme',
  test: false,
  templateId: '66e9b7a6958473625140fabc',
};

const contact = {
  contactId: '66d1c2b3a4958677695a4b3c',
  email: 'jane.doe@example.com',
  name: 'Jane Doe',
};

/** What AutoSend documents: hex signatures, three retries, closed payloads (docs/contract.md, 1.1, 2.2). */
export const autosend: Profile = {
  name: 'autosend',
  events: [
    defineEvent(
      'email.sent',
      'An email was handed over for delivery.',
      messageData,
      transactionalEmail,
    ),
    defineEvent(
      'email.delivered',
      "The recipient's mail server accepted an email.",
      messageData,
      transactionalEmail,
    ),
    defineEvent(
      'email.deferred',
      "The recipient's mail server deferred an email; it will be retried.",
      deferredData,
      {
        ...transactionalEmail,
        delayType: 'MailboxFull',
        delayReason: '452 4.2.2 The mailbox is over its quota',
        expirationTime: '2026-10-02T09:30:00.000Z',
      },
    ),
    defineEvent('email.opened', 'A recipient opened an email.', messageData, campaignEmail),
    defineEvent('email.clicked', 'A recipient clicked a link in an email.', clickedData, {
      ...campaignEmail,
      clickedUrl: 'https://acme.example/updates/october?utm_source=newsletter',
    }),
    defineEvent('email.bounced', 'An email could not be delivered to its recipient.', bouncedData, {
      ...campaignEmail,
      bounceType: 'Permanent',
      bounceSubType: 'NoEmail',
      reason: '550 5.1.1 The mailbox does not exist',
    }),
    defineEvent('email.spam_reported', 'A recipient reported an email as spam.', spamReportedData, {
      ...campaignEmail,
      complaintType: 'abuse',
    }),
    defineEvent(
      'email.unsubscribed',
      'A recipient unsubscribed from all emails.',
      unsubscribedData,
      {
        test: false,
        emailId: campaignEmail.emailId,
        campaignId: campaignEmail.campaignId,
        templateId: campaignEmail.templateId,
      },
    ),
    defineEvent(
      'email.group_unsubscribed',
      'A recipient unsubscribed from one group of emails.',
      groupUnsubscribedData,
      {
        test: false,
        emailId: campaignEmail.emailId,
        campaignId: campaignEmail.campaignId,
        templateId: campaignEmail.templateId,
        unsubscribeGroupId: '66c8d9eafb0c1d2e3f405162',
      },
    ),
    defineEvent(
      'email.group_resubscribed',
      'A recipient subscribed again to a group of emails.',
      groupResubscribedData,
      {
        test: false,
        emailId: campaignEmail.emailId,
        unsubscribeGroupId: '66c8d9eafb0c1d2e3f405162',
        campaignId: campaignEmail.campaignId,
      },
    ),
    defineEvent('contact.created', 'A contact was added.', contactCreatedData, {
      ...contact,
      company: 'Example Ltd',
      plan: 'starter',
    }),
    defineEvent('contact.updated', "A contact's fields changed.", contactUpdatedData, {
      ...contact,
      company: 'Example Ltd',
      plan: 'pro',
      changedFields: ['plan'],
    }),
    defineEvent('contact.deleted', 'A contact was removed.', contactDeletedData, {
      contactId: contact.contactId,
      email: contact.email,
    }),
  ],
  eventTypesFromProject: false,
  aliases: new Map(),
  providerEvents: null,
  envelope: { type: 'type', createdAt: 'createdAt', data: 'data' },
  signing: ['hex'],
  secretFormat: 'raw',
  secretFromCaller: false,
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
