import { newId } from '../../../src/contracts/ids';
import { getProfile } from '../../../src/profiles';
import type { ApiClient } from '../../support/api-client';
import { emailSent } from '../../support/samples';
import { useStack } from '../../support/use';
import { insertDelivery } from './insert';
import { expectRefusal, stored } from './refusal';

const unsubscribed = { test: false, emailId: 'em_01' };

describe('events', () => {
  const stack = useStack({}, { worker: false });
  let client: ApiClient;
  let projectId: string;
  beforeAll(async () => {
    ({ client, id: projectId } = await stack.project());
  });

  describe('are accepted, stored as they will be sent, and can be read, of type', () => {
    it.each(getProfile('autosend').events)('$type', async ({ type, sample }) => {
      const posted = await client.post('/v1/events', { type, data: sample });
      expect(posted.status).toBe(202);
      const { id, createdAt } = posted.body.data;
      expect(posted.body).toEqual({
        success: true,
        data: {
          id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
          type,
          createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          duplicate: false,
        },
      });
      const event = await stack.store.events.find(id);
      expect(event!.body).toBe(JSON.stringify({ type, createdAt, data: sample }));
      const read = await client.get(`/v1/events/${id}`);
      expect(read.status).toBe(200);
      expect(read.body.data).toEqual({
        id,
        projectId,
        type,
        createdAt,
        acceptedAt: createdAt,
        test: false,
        data: sample,
        body: event!.body,
        expungedAt: null,
        deliveries: [],
      });
    });
  });

  it.each<[what: string, type: string, fields: Record<string, unknown>]>([
    ['a long subject', 'email.sent', { subject: 'x'.repeat(20_000) }],
    ['a quoted display name', 'email.sent', { from: '"Acme, Inc. <a>" <news@acme.example>' }],
    ['a long id', 'email.sent', { emailId: 'x'.repeat(2_000) }],
    ['a quoted local part', 'email.sent', { to: { email: '"john doe"@example.com' } }],
    ['a local part of SRS', 'email.sent', { to: { email: `SRS0=${'x'.repeat(200)}@c.example` } }],
    ['letters of other scripts', 'email.sent', { to: { email: 'jörg@müller.example' } }],
    ['a long name', 'email.sent', { to: { email: 'a@b.example', name: 'x'.repeat(2_000) } }],
    ['an empty link', 'email.clicked', { clickedUrl: '' }],
    ['a link without a scheme', 'email.clicked', { clickedUrl: 'acme.example/?q={{id}}' }],
    ['a long reason', 'email.bounced', { reason: '550 '.repeat(10_000) }],
  ])('takes %s, as e-mail does, for %s', async (_what, type, fields) => {
    const data = { ...emailSent, ...fields };
    const posted = await client.post('/v1/events', { type, data });
    expect(posted.status).toBe(202);
    expect((await client.get(`/v1/events/${posted.body.data.id}`)).body.data.data).toEqual(data);
  });

  it('carries custom fields of contacts along, of any JSON type', async () => {
    const data = { email: 'ada@example.org', age: 36, tags: ['a'], nested: { deep: [null, true] } };
    const posted = await client.post('/v1/events', { type: 'contact.created', data });
    expect(posted.status).toBe(202);
    const read = await client.get(`/v1/events/${posted.body.data.id}`);
    expect(read.body.data.data).toEqual(data);
  });

  it('keeps the time that the caller gives, and answers it in UTC', async () => {
    const posted = await client.post('/v1/events', {
      type: 'email.sent',
      data: emailSent,
      createdAt: '2026-03-01T10:30:00+05:30',
    });
    expect(posted.status).toBe(202);
    expect(posted.body.data.createdAt).toBe('2026-03-01T05:00:00.000Z');
    const event = await stack.store.events.find(posted.body.data.id);
    expect(JSON.parse(event!.body!).createdAt).toBe('2026-03-01T10:30:00+05:30');
  });

  it('shows an event’s deliveries, without their attempts', async () => {
    const posted = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const eventId = posted.body.data.id as string;
    const ids = [
      await insertDelivery(stack, { projectId, eventId }),
      await insertDelivery(stack, { projectId, eventId, status: 'failed' }),
    ];
    const read = await client.get(`/v1/events/${eventId}`);
    expect(read.body.data.deliveries).toMatchObject([
      { id: ids[0], eventId, status: 'succeeded' },
      { id: ids[1], eventId, status: 'failed' },
    ]);
    expect(read.body.data.deliveries[0]).not.toHaveProperty('attempts');
  });

  const without = (field: keyof typeof emailSent): object =>
    Object.fromEntries(Object.entries(emailSent).filter(([name]) => name !== field));
  const sent = (data: unknown) => ({ type: 'email.sent', data });

  describe('are refused, with nothing stored, for', () => {
    it.each<[title: string, body: unknown, fields: string[]]>([
      ['an empty body', {}, ['type', 'data']],
      ['a list', [], ['body']],
      ['an unknown type', { type: 'email.exploded', data: emailSent }, ['type']],
      ['a type that differs in case', { type: 'Email.sent', data: emailSent }, ['type']],
      ['a pattern as type', { type: 'email.*', data: emailSent }, ['type']],
      ['a type that is a member of every object', { type: 'constructor', data: {} }, ['type']],
      ['a type that is no text', { type: 1, data: emailSent }, ['type']],
      ['no data', { type: 'email.sent' }, ['data']],
      ['data that is null', sent(null), ['data']],
      ['data that is a list', sent([emailSent]), ['data']],
      ['data that is text', sent('{}'), ['data']],
      [
        'unknown fields next to data',
        { ...sent(emailSent), id: 'evt_1', test: true },
        ['id', 'test'],
      ],
      ['an unknown field in data', sent({ ...emailSent, foo: 1 }), ['data.foo']],
      [
        'an unknown field inside a field',
        sent({ ...emailSent, to: { email: 'a@b.co', phone: 1 } }),
        ['data.to.phone'],
      ],
      [
        'a recipient without an address',
        sent({ ...emailSent, to: { name: 'Ada' } }),
        ['data.to.email'],
      ],
      ['a recipient that is text', sent({ ...emailSent, to: 'ada@example.org' }), ['data.to']],
      ['no emailId', sent(without('emailId')), ['data.emailId']],
      ['no from', sent(without('from')), ['data.from']],
      ['no test', sent(without('test')), ['data.test']],
      ['a test that is text', sent({ ...emailSent, test: 'false' }), ['data.test']],
      [
        'an IP address of an open',
        { type: 'email.opened', data: { ...emailSent, ipAddress: '192.0.2.1' } },
        ['data.ipAddress'],
      ],
      [
        'a user agent of an open',
        { type: 'email.opened', data: { ...emailSent, userAgent: 'x' } },
        ['data.userAgent'],
      ],
      [
        'a device and a location of an open',
        { type: 'email.opened', data: { ...emailSent, device: 'x', location: 'y' } },
        ['data.device', 'data.location'],
      ],
      [
        'an IP address of a click',
        { type: 'email.clicked', data: { ...emailSent, ip: '192.0.2.1' } },
        ['data.ip'],
      ],
      [
        'a sender of an unsubscription',
        { type: 'email.unsubscribed', data: { ...unsubscribed, from: 'a@b.co' } },
        ['data.from'],
      ],
      [
        'a recipient and a subject of an unsubscription',
        {
          type: 'email.unsubscribed',
          data: { ...unsubscribed, to: { email: 'a@b.co' }, subject: 'x' },
        },
        ['data.to', 'data.subject'],
      ],
      [
        'a sender of a group unsubscription',
        { type: 'email.group_unsubscribed', data: { ...unsubscribed, from: 'a@b.co' } },
        ['data.from'],
      ],
      [
        'a template of a group resubscription',
        { type: 'email.group_resubscribed', data: { ...unsubscribed, templateId: 't' } },
        ['data.templateId'],
      ],
      [
        'an unknown kind of bounce',
        { type: 'email.bounced', data: { ...emailSent, bounceType: 'Hard' } },
        ['data.bounceType'],
      ],
      [
        'changed fields that are not a list',
        { type: 'contact.updated', data: { changedFields: 'plan' } },
        ['data.changedFields'],
      ],
      [
        'a createdAt without a zone',
        { ...sent(emailSent), createdAt: '2026-03-01T10:30:00' },
        ['createdAt'],
      ],
      [
        'a createdAt that is a date',
        { ...sent(emailSent), createdAt: '2026-03-01' },
        ['createdAt'],
      ],
      [
        'a createdAt that no calendar has',
        { ...sent(emailSent), createdAt: '2026-02-30T00:00:00Z' },
        ['createdAt'],
      ],
      [
        'a createdAt in milliseconds',
        { ...sent(emailSent), createdAt: 1_772_000_000_000 },
        ['createdAt'],
      ],
      [
        'a createdAt far ahead',
        { ...sent(emailSent), createdAt: '2999-01-01T00:00:00Z' },
        ['createdAt'],
      ],
      [
        'a createdAt before e-mail was',
        { ...sent(emailSent), createdAt: '1970-01-01T00:00:00Z' },
        ['createdAt'],
      ],
    ])('%s', async (_title, body, fields) => {
      const before = await stored(stack);
      expectRefusal(await client.post('/v1/events', body), 'validation_failed', fields);
      expect(await stored(stack)).toEqual(before);
    });

    it('data nested deeper than anybody means it', async () => {
      const before = await stored(stack);
      const depth = 50_000;
      const body = `{"type":"contact.created","data":{"x":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
      expectRefusal(await client.post('/v1/events', body), 'validation_failed', ['body']);
      expect(await stored(stack)).toEqual(before);
    });
  });

  it('answers 404 for another project’s event, an id that does not exist, and one that can’t', async () => {
    const other = await stack.project();
    const theirs = await other.client.post('/v1/events', { type: 'email.sent', data: emailSent });
    for (const id of [theirs.body.data.id, newId('event'), newId('webhook'), 'evt_1', '%24ne']) {
      expectRefusal(await client.get(`/v1/events/${id}`), 'not_found');
    }
  });
});
