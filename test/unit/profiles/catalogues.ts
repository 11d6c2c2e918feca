/*
 * Section 2 of docs/contract.md, written down a second time: what each event type of each profile
 * requires, and what it may carry beyond that.
 */

export interface CatalogueEntry {
  required: string[];
  optional: string[];
  /** Whether fields that are on neither list are passed through. */
  open?: true;
}

export interface Catalogue {
  /** In the order that `events/available` answers. */
  types: Record<string, CatalogueEntry>;
  /** A valid value for every field of any type, those that differ between types apart. */
  values: Record<string, unknown>;
  /** Fields whose value is the type's own. */
  valuesOf?: (type: string) => Record<string, unknown>;
  /** Fields that may be null. */
  nullable?: string[];
}

const INSTANT = '2026-10-01T09:30:00Z';
const JANE = 'jane@example.com';

/** Fields that no closed type of any profile has: some forbidden by name, some at home elsewhere. */
export const FOREIGN: Record<string, unknown> = {
  device: 'mobile',
  location: { country: 'DE' },
  link: 'https://acme.example',
  webhook_id: 'wh_1',
  type: 'email.sent',
  data: {},
};

const autosend = ((): Catalogue => {
  const origin = ['campaignId', 'templateId', 'workflowAutomationId', 'batchId'];
  const required = ['emailId', 'from', 'to', 'subject', 'test'];
  return {
    types: {
      'email.sent': { required, optional: origin },
      'email.delivered': { required, optional: origin },
      'email.deferred': {
        required,
        optional: [...origin, 'delayType', 'delayReason', 'expirationTime'],
      },
      'email.opened': { required, optional: origin },
      'email.clicked': { required, optional: [...origin, 'clickedUrl'] },
      'email.bounced': { required, optional: [...origin, 'bounceType', 'bounceSubType', 'reason'] },
      'email.spam_reported': { required, optional: [...origin, 'complaintType'] },
      'email.unsubscribed': { required: ['test'], optional: ['emailId', ...origin] },
      'email.group_unsubscribed': {
        required: ['test'],
        optional: ['emailId', ...origin, 'unsubscribeGroupId'],
      },
      'email.group_resubscribed': {
        required: ['test'],
        optional: ['emailId', 'unsubscribeGroupId', 'campaignId'],
      },
      'contact.created': { required: [], optional: ['contactId', 'email', 'name'], open: true },
      'contact.updated': {
        required: [],
        optional: ['contactId', 'email', 'name', 'changedFields'],
        open: true,
      },
      'contact.deleted': { required: [], optional: ['contactId', 'email'], open: true },
    },
    values: {
      emailId: 'em_1',
      from: 'Acme <news@acme.example>',
      to: { email: JANE },
      subject: 'Hello',
      test: true,
      campaignId: 'cmp_1',
      templateId: 'tpl_1',
      workflowAutomationId: 'wfa_1',
      batchId: 'bat_1',
      delayType: 'MailboxFull',
      delayReason: 'over quota',
      expirationTime: INSTANT,
      bounceType: 'Transient',
      bounceSubType: 'MailboxFull',
      reason: 'over quota',
      clickedUrl: 'https://acme.example/a?b=c',
      complaintType: 'abuse',
      unsubscribeGroupId: 'grp_1',
      contactId: 'con_1',
      email: JANE,
      name: 'Jane',
      changedFields: ['name'],
    },
  };
})();

const platform = ((): Catalogue => {
  const required = ['email_id', 'timestamp'];
  return {
    types: {
      'email.open': { required, optional: ['recipient'] },
      'email.click': { required, optional: ['recipient', 'url'] },
      'email.bounce': { required, optional: ['recipient', 'bounce_type', 'reason'] },
      'email.unsubscribe': { required, optional: ['recipient'] },
    },
    values: {
      email_id: 'em_1',
      recipient: JANE,
      timestamp: INSTANT,
      url: 'https://acme.example/a?b=c',
      bounce_type: 'soft',
      reason: 'over quota',
    },
    nullable: ['recipient'],
  };
})();

const emailsendx = ((): Catalogue => {
  const required = ['emailId', 'campaignId', 'contactId', 'contactEmail'];
  const optional = ['campaignName', 'sentAt'];
  const client = ['userAgent', 'ipAddress'];
  const person = ['firstName', 'lastName', 'metadata'];
  return {
    types: {
      'email.delivered': { required: [...required, ...optional, 'deliveredAt'], optional: [] },
      'email.opened': { required: [...required, 'openedAt'], optional: [...optional, ...client] },
      'email.clicked': {
        required: [...required, 'url', 'clickedAt'],
        optional: [...optional, ...client],
      },
      'email.bounced': {
        required: [...required, 'bouncedAt'],
        optional: [...optional, 'bounceType', 'reason'],
      },
      'email.complained': { required: [...required, 'complainedAt'], optional },
      'email.unsubscribed': {
        required: [...required, 'unsubscribedAt'],
        optional: [...optional, 'reason'],
      },
      'contact.created': { required: ['contactId', 'contactEmail', 'createdAt'], optional: person },
      'contact.updated': {
        required: ['contactId', 'contactEmail', 'updatedAt'],
        optional: [...person, 'changedFields'],
      },
      'campaign.sent': {
        required: ['campaignId', 'campaignName', 'sentAt', 'recipientCount'],
        optional: [],
      },
    },
    values: {
      emailId: 'em_1',
      campaignId: 'cmp_1',
      campaignName: 'October',
      contactId: 'con_1',
      contactEmail: JANE,
      sentAt: INSTANT,
      deliveredAt: INSTANT,
      openedAt: INSTANT,
      clickedAt: INSTANT,
      bouncedAt: INSTANT,
      complainedAt: INSTANT,
      unsubscribedAt: INSTANT,
      createdAt: INSTANT,
      updatedAt: INSTANT,
      userAgent: 'Mozilla/5.0',
      ipAddress: '2001:db8::1',
      url: 'https://acme.example/a?b=c',
      bounceType: 'hard',
      reason: 'over quota',
      firstName: 'Jane',
      lastName: 'Doe',
      metadata: { company: 'Example Ltd' },
      changedFields: ['lastName'],
      recipientCount: 3,
    },
  };
})();

const ahasend = ((): Catalogue => {
  const required = [
    'account_id',
    'event',
    'from',
    'recipient',
    'subject',
    'message_id_header',
    'id',
  ];
  const client = ['user_agent', 'ip', 'is_bot'];
  return {
    types: {
      'message.reception': { required, optional: [] },
      'message.delivered': { required, optional: ['delivery_attempt'] },
      'message.deferred': { required, optional: ['delivery_attempt'] },
      'message.failed': { required, optional: [] },
      'message.bounced': { required, optional: ['delivery_attempt'] },
      'message.suppressed': { required, optional: [] },
      'message.opened': { required, optional: client },
      'message.clicked': { required, optional: ['url', ...client] },
      'suppression.created': {
        required: [
          'account_id',
          'recipient',
          'created_at',
          'expires_at',
          'reason',
          'sending_domain',
        ],
        optional: [],
      },
      'domain.dns_error': {
        required: [
          'account_id',
          'domain',
          'spf_valid',
          'dkim_valid',
          'dmarc_valid',
          'dns_last_checked_at',
        ],
        optional: [],
      },
    },
    values: {
      account_id: 'acc_1',
      from: 'Acme <news@acme.example>',
      recipient: JANE,
      subject: 'Hello',
      message_id_header: '<1@acme.example>',
      id: 'msg_1',
      user_agent: 'Mozilla/5.0',
      ip: '203.0.113.7',
      is_bot: true,
      url: 'https://acme.example/a?b=c',
      delivery_attempt: { smtp_code: 250 },
      created_at: INSTANT,
      expires_at: INSTANT,
      reason: 'Too many hard bounces',
      sending_domain: 'acme.example',
      domain: 'acme.example',
      spf_valid: true,
      dkim_valid: false,
      dmarc_valid: true,
      dns_last_checked_at: INSTANT,
    },
    // `on_` and what happened: message.delivered → on_delivered.
    valuesOf: (type) => ({ event: type.replace('message.', 'on_') }),
    nullable: ['delivery_attempt'],
  };
})();

const custom: Catalogue = { types: {}, values: {} };

/** By profile, in the contract's order. */
export const CATALOGUES: Record<string, Catalogue> = {
  autosend,
  platform,
  emailsendx,
  ahasend,
  custom,
};
