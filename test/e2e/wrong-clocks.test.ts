import { ApiClient } from '../support/api-client';
import { inTheEnd } from '../support/api-crash';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { Receiver } from '../support/receiver';
import { emailSent } from '../support/samples';
import { ADMIN_KEY } from '../support/stack';
import { HOUR, NEAR, SECOND, useWrongClocks } from '../support/wrong-clocks';

const DAY = 24 * HOUR;
const on = useWrongClocks();

/** MongoDB, Temporal, the tests and their API agree about the time. */
describe('a process whose clock is wrong', () => {
  describe.each([
    ['an hour ahead', HOUR],
    ['an hour behind', -HOUR],
  ])('a worker, %s', (_which, aheadMs) => {
    it.concurrent.each(['workflow', 'express'])(
      'sends at once, at the right time, and blocks no rate limit after it (%s)',
      (dispatch) =>
        on(async ({ stack, receiver, client, projectId, startWorker, post, isNear }) => {
          await stack.admin.patch(`/v1/projects/${projectId}`, { dispatch });
          const webhook = await makeWebhook(client, receiver.url, { policy: { ratePerSecond: 5 } });
          const wrong = await startWorker(aheadMs);
          await post(3);
          await receiver.waitFor(3);
          for (const { headers } of receiver.requests) {
            expect(isNear(Number(headers['x-webhook-timestamp']))).toBe(true);
          }
          const { nextSlotAt } = (await stack.store.webhooks.get(projectId, webhook.id))!;
          expect(isNear(nextSlotAt!)).toBe(true);
          const [delivery] = await eventually('all have arrived', async () => {
            const { body } = await client.get('/v1/deliveries?status=succeeded');
            return body.data.deliveries.length === 3 && body.data.deliveries;
          });
          const { attempts, completedAt } = (await client.get(`/v1/deliveries/${delivery.id}`)).body
            .data;
          expect([attempts[0].startedAt, completedAt].every(isNear)).toBe(true);
          await wrong.end('SIGKILL');
          await startWorker(0);
          await post(3);
          await receiver.waitFor(6);
        }),
    );

    it.concurrent('waits until the date that a receiver names', () =>
      on(async ({ receiver, client, startWorker }) => {
        // Of whole seconds, since it can't say others.
        const date = new Date(Math.ceil((Date.now() + 2 * HOUR) / SECOND) * SECOND);
        const headers = { 'Retry-After': date.toUTCString() };
        receiver.respondWith({ kind: 'answer', status: 503, headers });
        await makeWebhook(client, receiver.url);
        await startWorker(aheadMs);
        const id = await postEvent(client);
        const { nextAttemptAt } = await deliveryWith(client, id, { attemptCount: 1 });
        const lateMs = new Date(nextAttemptAt).getTime() - date.getTime();
        expect(lateMs).toBeGreaterThan(-NEAR);
        expect(lateMs).toBeLessThan(HOUR / 2);
      }),
    );

    it.concurrent('counts failures as if its clock were right', () =>
      on(async ({ receiver, client, startWorker, post }) => {
        const policy = { retryDelaysMs: [1000], autoDisableAfter: 3 };
        const webhook = await makeWebhook(client, receiver.url, { policy });
        const wrong = await startWorker(aheadMs);
        await deliveryWith(client, await postEvent(client), { status: 'succeeded' });
        await wrong.end('SIGKILL');
        await startWorker(0);
        receiver.respondWith(500);
        await post(3);
        await eventually(
          'it is disabled',
          async () => (await client.get(`/v1/webhooks/${webhook.id}`)).body.data.isActive === false,
        );
      }),
    );
  });

  it.concurrent.each([
    ['31 days ahead', 31 * DAY],
    ['31 days behind', -31 * DAY],
  ])(
    'a worker, %s, deletes no event before its time, and those whose time has come',
    (_which, aheadMs) =>
      on(async ({ stack, receiver, client, projectId, startWorker, post, reconciled }) => {
        await makeWebhook(client, receiver.url);
        const right = await startWorker(0);
        await post(5);
        const done = await eventually('all have arrived', async () => {
          const { body } = await client.get('/v1/deliveries?status=succeeded');
          return body.data.deliveries.length === 5 && body.data.deliveries;
        });
        await right.end('SIGKILL');
        await startWorker(aheadMs);
        const [old] = done;
        const hasExpired = { expiresAt: new Date(Date.now() - 1000) };
        await stack.store.events.model.updateOne({ _id: old.eventId }, hasExpired);
        await stack.store.deliveries.model.updateOne({ _id: old.id }, hasExpired);
        await reconciled();
        expect(await stack.store.events.model.countDocuments({ projectId })).toBe(4);
        const kept = done.at(-1).id;
        expect((await client.post(`/v1/deliveries/${kept}/replay`)).status).toBe(202);
        await deliveryWith(client, kept, { status: 'succeeded', replays: 1 });
      }),
  );

  it.concurrent('a worker, 25 hours ahead, ends no rotated secret’s overlap early', () =>
    on(async ({ stack, receiver, client, projectId, startWorker, post, reconciled }) => {
      const { id } = await makeWebhook(client, receiver.url);
      await client.post(`/v1/webhooks/${id}/secret/rotate`, { overlapHours: 24 });
      await startWorker(25 * HOUR);
      await post(1);
      await receiver.waitFor(1);
      expect(receiver.requests[0]!.headers).toHaveProperty('x-webhook-signature-previous');
      await reconciled();
      expect((await stack.store.webhooks.get(projectId, id))!.secrets).toHaveLength(2);
    }),
  );

  it.concurrent(
    'a worker, 25 hours behind, does not sign with a secret whose overlap has ended',
    () =>
      on(async ({ stack, receiver, client, projectId, startWorker, post, reconciled }) => {
        const { id } = await makeWebhook(client, receiver.url);
        await client.post(`/v1/webhooks/${id}/secret/rotate`, { overlapHours: 24 });
        await stack.store.webhooks.model.updateOne(
          { _id: id },
          { 'secrets.1.expiresAt': new Date(Date.now() - HOUR) },
        );
        await startWorker(-25 * HOUR);
        await post(1);
        await receiver.waitFor(1);
        expect(receiver.requests[0]!.headers).not.toHaveProperty('x-webhook-signature-previous');
        await reconciled();
        expect((await stack.store.webhooks.get(projectId, id))!.secrets).toHaveLength(1);
      }),
  );

  it.concurrent.each([
    [3 * SECOND, 'workflow'],
    [-3 * SECOND, 'workflow'],
    [3 * SECOND, 'express'],
    [-3 * SECOND, 'express'],
  ])('an API, %i ms ahead, loses no event of a new webhook (%s)', (aheadMs, dispatch) =>
    on(async ({ stack, client, projectId, startWorker, startApi }) => {
      await stack.admin.patch(`/v1/projects/${projectId}`, { dispatch });
      const wrong = await startApi(aheadMs);
      const [first, second] = await Promise.all([Receiver.start(), Receiver.start()]);
      try {
        // Its webhook and another's event, and the other way round.
        const postOne = (emailId: string, through: ApiClient) =>
          through.post('/v1/events', { type: 'email.sent', data: { ...emailSent, emailId } });
        const got = ({ requests }: Receiver, emailId: string): boolean =>
          requests.some(({ rawBody }) => rawBody.includes(`"emailId":"${emailId}"`));
        await makeWebhook(wrong, first.url);
        await postOne('em_right', client);
        await makeWebhook(client, second.url);
        await postOne('em_wrong', wrong);
        await startWorker(0);
        await inTheEnd(
          stack,
          'both have got theirs',
          async () => got(first, 'em_right') && got(first, 'em_wrong') && got(second, 'em_wrong'),
        );
      } finally {
        await Promise.all([first.close(), second.close()]);
      }
    }),
  );

  it.concurrent.each([
    ['an hour ahead', HOUR],
    ['an hour behind', -HOUR],
  ])(
    'an API, %s, gives everything the right time and place, and judges times rightly',
    (_which, aheadMs) =>
      on(async ({ stack, receiver, client, projectId, startApi, isNear }) => {
        const wrong = await startApi(aheadMs);
        const ids: string[] = [];
        for (const through of [wrong, client, wrong, client]) {
          const { body } = await through.post('/v1/events', {
            type: 'email.sent',
            data: emailSent,
          });
          expect(isNear(body.data.createdAt)).toBe(true);
          ids.unshift(body.data.id);
          // Processes know MongoDB's time as exactly as a busy machine answers them.
          const postedAt = Date.now();
          await eventually('a moment has passed', () => Date.now() - postedAt > SECOND);
        }
        const since = new Date(Date.now() - 60 * SECOND).toISOString();
        const { body } = await wrong.get(`/v1/events?since=${since}`);
        expect(body.data.events.map(({ id }: { id: string }) => id)).toEqual(ids);
        const webhook = (
          await wrong.post('/v1/webhooks', {
            name: 'x',
            url: receiver.url,
            events: ['*'],
          })
        ).body.data;
        expect([webhook.createdAt, webhook.updatedAt].every(isNear)).toBe(true);

        const keyOf = (expiresInMs: number) =>
          wrong.post(`/v1/projects/${projectId}/keys`, {
            name: 'k',
            role: 'reader',
            expiresAt: new Date(Date.now() + expiresInMs).toISOString(),
          });
        expect((await keyOf(-60 * SECOND)).status).toBe(422);
        const { key } = (await keyOf(60 * SECOND)).body.data;
        expect((await new ApiClient(wrong.url, key).get('/v1/events')).status).toBe(200);
        await stack.store.keys.model.updateMany(
          { projectId },
          { expiresAt: new Date(Date.now() - 1000) },
        );
        await eventually('it has expired', async () => {
          return (await new ApiClient(wrong.url, key).get('/v1/events')).status === 401;
        });

        const postedAt = async (time: number): Promise<number> => {
          const event = {
            type: 'email.sent',
            data: emailSent,
            createdAt: new Date(time).toISOString(),
          };
          const headers = { 'x-project-id': projectId };
          return (await new ApiClient(wrong.url, ADMIN_KEY).post('/v1/events', event, headers))
            .status;
        };
        expect(await postedAt(Date.now() + 60 * SECOND)).toBe(202);
        expect(await postedAt(Date.now() + HOUR / 2)).toBe(422);
      }),
  );

  it.concurrent(
    'and a shift of a courier from before MongoDB’s own clock was set back delay nothing',
    () =>
      on(async ({ stack, receiver, client, projectId, startWorker, post }) => {
        await stack.admin.patch(`/v1/projects/${projectId}`, { dispatch: 'express' });
        const renewedAt = new Date(Date.now() + HOUR);
        await stack.store.couriers.model.create({ _id: projectId, shift: 1, renewedAt });
        await makeWebhook(client, receiver.url);
        await startWorker(0);
        await post(1);
        await receiver.waitFor(1);
      }),
  );
});
