import {
  bouncedData,
  clickedData,
  deferredData,
  deliveredData,
  dnsErrorData,
  failedData,
  openedData,
  receptionData,
  suppressedData,
  suppressionCreatedData,
} from './ahasend-schemas';
import { defineEvent } from './define-event';
import { SECOND_MS } from '../domain/durations';
import type { Profile } from './profile';

const ACCOUNT_ID = '4cdd7bdd-294e-4762-892f-83d40abf5a87';

/** A message's data, in the order in which AhaSend sends it. */
const message = <E extends string>(event: E) => ({
  account_id: ACCOUNT_ID,
  event,
  from: 'billing@acme.example',
  recipient: 'jane.doe@example.com',
  subject: 'Your receipt from Acme',
  message_id_header: '<20261001093000.4f2a9c@acme.example>',
  id: '407926766d2711f09b30960002cafe7c',
});

const client = {
  user_agent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15',
  ip: '203.0.113.42',
  is_bot: false,
};

/** What AhaSend documents: Standard Webhooks with raw secrets, disabling after 100 (docs/contract.md, 1.1, 2.5). */
export const ahasend: Profile = {
  name: 'ahasend',
  events: [
    defineEvent(
      'message.reception',
      'A message was received and queued.',
      receptionData,
      message('on_reception'),
    ),
    defineEvent(
      'message.delivered',
      "The recipient's mail server accepted a message.",
      deliveredData,
      {
        ...message('on_delivered'),
        delivery_attempt: {
          smtp_code: 250,
          enhanced_status_code: '2.0.0',
          response: 'OK: queued',
          command: 'DATA',
        },
      },
    ),
    defineEvent(
      'message.deferred',
      "The recipient's mail server deferred a message; it will be retried.",
      deferredData,
      {
        ...message('on_deferred'),
        delivery_attempt: {
          smtp_code: 452,
          enhanced_status_code: '4.2.2',
          response: 'The mailbox is over its quota',
          classification: 'QuotaIssues',
          command: 'RCPT TO',
        },
      },
    ),
    defineEvent(
      'message.failed',
      'A message was given up after all retries.',
      failedData,
      message('on_failed'),
    ),
    defineEvent('message.bounced', "The recipient's mail server rejected a message.", bouncedData, {
      ...message('on_bounced'),
      delivery_attempt: {
        smtp_code: 550,
        enhanced_status_code: '5.1.1',
        response: 'The mailbox does not exist',
        classification: 'InvalidRecipient',
        command: 'RCPT TO',
      },
    }),
    defineEvent(
      'message.suppressed',
      'A message was not sent because its recipient is suppressed.',
      suppressedData,
      message('on_suppressed'),
    ),
    defineEvent('message.opened', 'A recipient opened a message.', openedData, {
      ...message('on_opened'),
      ...client,
    }),
    defineEvent('message.clicked', 'A recipient clicked a link in a message.', clickedData, {
      ...message('on_clicked'),
      url: 'https://acme.example/receipts/4f2a9c',
      ...client,
    }),
    defineEvent(
      'suppression.created',
      'A recipient was put on the suppression list.',
      suppressionCreatedData,
      {
        account_id: ACCOUNT_ID,
        recipient: 'jane.doe@example.com',
        created_at: '2026-10-01T09:30:00.000Z',
        expires_at: '2026-10-31T09:30:00.000Z',
        reason: 'Too many hard bounces',
        sending_domain: 'acme.example',
      },
    ),
    defineEvent(
      'domain.dns_error',
      "A sending domain's DNS records are no longer valid.",
      dnsErrorData,
      {
        account_id: ACCOUNT_ID,
        domain: 'acme.example',
        spf_valid: true,
        dkim_valid: false,
        dmarc_valid: true,
        dns_last_checked_at: '2026-10-01T09:30:00.000Z',
      },
    ),
  ],
  eventTypesFromProject: false,
  aliases: new Map(),
  providerEvents: null,
  envelope: { type: 'type', timestamp: 'createdAt', data: 'data' },
  signing: ['standard'],
  secretFormat: 'raw',
  secretFromCaller: false,
  policy: {
    timeoutMs: 10_000,
    retryDelaysMs: [15, 30, 60, 120, 240, 510].map((seconds) => seconds * SECOND_MS),
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
