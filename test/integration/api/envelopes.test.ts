import { getProfile } from '../../../src/profiles';
import type { ApiClient } from '../../support/api-client';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

const stack = useStack({}, { worker: false });

const timestamp = '2026-03-01T10:30:00.451529617+05:30';

/** The body that goes out, of an event by its id. */
const bodyOf = async (id: string): Promise<string | null> =>
  (await stack.store.events.find(id))!.body;

const sampleOf = (profile: string): { type: string; sample: Record<string, unknown> } =>
  getProfile(profile).events[0]!;

const { type: sent, sample: data } = sampleOf('autosend');
const { type: event, sample: delivered } = sampleOf('emailsendx');

describe('an event in its profile’s own envelope', () => {
  it.each([
    ['autosend', (type: string, sample: object) => ({ type, createdAt: timestamp, data: sample })],
    ['platform', (type: string, sample: object) => ({ type, createdAt: timestamp, data: sample })],
    ['ahasend', (type: string, sample: object) => ({ type, timestamp, data: sample })],
    [
      'emailsendx',
      (type: string, sample: object, workspaceId: string) => ({
        event: type,
        workspaceId,
        timestamp,
        data: sample,
      }),
    ],
  ])('of %s is taken, and goes out as it came', async (profile, envelope) => {
    const { client, id } = await stack.project({ profile });
    const { type, sample } = sampleOf(profile);
    const posted = envelope(type, sample, id);
    const one = await client.post('/v1/events', posted);
    const many = await client.post('/v1/events/batch', { events: [posted, posted] });
    expect([one.status, many.status]).toEqual([202, 202]);
    for (const accepted of [one.body.data, ...many.body.data.events]) {
      expect(accepted).toMatchObject({ type, createdAt: '2026-03-01T05:00:00.451Z' });
      expect(await bodyOf(accepted.id as string)).toBe(JSON.stringify(posted));
    }
  });

  it('of custom is taken with timestamp', async () => {
    const { client } = await stack.project({ profile: 'custom' });
    const type = 'order.paid';
    const definition = { description: 'Paid.', schema: {}, sample: {} };
    await client.send('PUT', `/v1/event-types/${type}`, definition);
    const posted = await client.post('/v1/events', { type, timestamp, data: { id: 1 } });
    expect(await bodyOf(posted.body.data.id as string)).toBe(
      JSON.stringify({ type, timestamp, data: { id: 1 } }),
    );
  });

  it('may use our names too, and say the same twice', async () => {
    const { client, id } = await stack.project({ profile: 'emailsendx' });
    for (const posted of [
      { type: event, data: delivered, createdAt: timestamp },
      { event, type: event, timestamp, createdAt: timestamp, data: delivered },
    ]) {
      const { body } = await client.post('/v1/events', posted);
      expect(await bodyOf(body.data.id as string)).toBe(
        JSON.stringify({ event, workspaceId: id, timestamp, data: delivered }),
      );
    }
  });

  it.each<[profile: string, posted: Record<string, unknown>, fields: string[]]>([
    ['emailsendx', { event, type: 'email.opened', data: delivered }, ['event']],
    [
      'emailsendx',
      { event, data: delivered, timestamp, createdAt: '2026-03-01T10:30:00Z' },
      ['timestamp'],
    ],
    ['emailsendx', { event, data: delivered, workspaceId: 'proj_1' }, ['workspaceId']],
    ['emailsendx', { event, data: delivered, workspaceId: 7 }, ['workspaceId']],
    ['emailsendx', { event, data: delivered, timestamp: 'now' }, ['timestamp']],
    ['emailsendx', { data: delivered }, ['type']],
    ['emailsendx', { event }, ['data']],
    ['emailsendx', { event: 'email.exploded', data: delivered }, ['type']],
    ['ahasend', { event: 'message.opened', data: {} }, ['event', 'type']],
    ['ahasend', { type: 'message.opened', workspaceId: 'x', data: {} }, ['workspaceId']],
    ['autosend', { type: sent, data, timestamp }, ['timestamp']],
  ])('of %s is refused as %j', async (profile, posted, fields) => {
    const { client } = await stack.project({ profile });
    const before = await stored(stack);
    const one = await client.post('/v1/events', posted);
    expect([one.status, one.body.error.code]).toEqual([422, 'validation_failed']);
    expect(one.body.error.details.map(({ field }: { field: string }) => field)).toEqual(
      expect.arrayContaining(fields.slice(0, 1)),
    );
    const many = await client.post('/v1/events/batch', { events: [posted] });
    expect(many.body.error.details.map(({ field }: { field: string }) => field)).toEqual(
      expect.arrayContaining([`events.0.${fields[0]}`]),
    );
    expect(await stored(stack)).toEqual(before);
  });
});

describe('a project’s workspaceId', () => {
  let client: ApiClient;
  let id: string;
  const post = (workspaceId: string) =>
    client.post('/v1/events', { event, workspaceId, timestamp, data: delivered });

  it('is its externalId where it has one, and may be either when an event is posted', async () => {
    ({ client, id } = await stack.project({ profile: 'emailsendx', externalId: 'ws_acme' }));
    for (const workspaceId of ['ws_acme', id]) {
      const posted = await post(workspaceId);
      expect(JSON.parse((await bodyOf(posted.body.data.id as string))!)).toMatchObject({
        workspaceId: 'ws_acme',
      });
    }
    const refused = await post('ws_other');
    expectRefusal(refused, 'validation_failed', ['workspaceId']);
    expect(refused.body.error.message).toContain('ws_acme');
  });
});

describe('a time', () => {
  it.each([
    ['2026-03-01T10:30:00Z', '2026-03-01T10:30:00.000Z', 202],
    ['2026-03-01T10:30Z', '2026-03-01T10:30:00Z', 202],
    ['2026-03-01T10:30:00.5Z', '2026-03-01T16:00:00.500+05:30', 202],
    ['2026-03-01T10:30:00.4515Z', '2026-03-01T10:30:00.45150Z', 202],
    ['2026-03-01T10:30:00.4515Z', '2026-03-01T10:30:00.4516Z', 422],
    ['2026-03-01T10:30:00Z', '2026-03-01T10:30:00+01:00', 422],
  ])(
    'given as createdAt %s and as timestamp %s is answered %d',
    async (createdAt, same, status) => {
      const { client } = await stack.project({ profile: 'emailsendx' });
      const about = { event, data: delivered, timestamp: same, createdAt };
      const posted = await client.post('/v1/events', about);
      expect(posted.status).toBe(status);
      if (status !== 202) return;
      const sentBody = JSON.parse((await bodyOf(posted.body.data.id as string))!);
      expect(sentBody.timestamp).toBe(createdAt);
    },
  );

  it.each([
    ['2026-03-01T10:30:00Z', '2026-03-01T10:30:00.000Z'],
    ['2026-03-01T10:30:00.000Z', '2026-03-01T10:30:00.000Z'],
    ['2026-03-01T10:30:00+05:30', '2026-03-01T05:00:00.000Z'],
    ['2026-03-01T10:30:00.451529617Z', '2026-03-01T10:30:00.451Z'],
    ['2026-03-01T10:30+05:30', '2026-03-01T05:00:00.000Z'],
    ['2026-03-01t10:30:00z', '2026-03-01T10:30:00.000Z'],
  ])('%s goes out as it is, and counts as the instant %s', async (createdAt, instant) => {
    const { client } = await stack.project();
    const posted = await client.post('/v1/events', { type: sent, data, createdAt });
    expect(posted.body.data.createdAt).toBe(instant);
    expect(await bodyOf(posted.body.data.id as string)).toBe(
      JSON.stringify({ type: sent, createdAt, data }),
    );
  });
});
