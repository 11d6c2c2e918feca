import { clock } from '../../../src/clock';
import { newId } from '../../../src/contracts/ids';
import { DAY_MS } from '../../../src/domain/durations';
import { ApiClient } from '../../support/api-client';
import { Browser } from '../../support/browser';
import { eventually } from '../../support/eventually';
import { emailSent } from '../../support/samples';
import { testEnvironment } from '../../support/stack';
import { useStack } from '../../support/use';

const event = { type: 'email.sent', data: emailSent };
/** docs/operating.md, API keys. */
const WITHIN_MS = 1000;

/** Two API processes' worth of memory, on one database. */
describe('of two APIs, of which one makes a change', () => {
  const environment = testEnvironment();
  const here = useStack(environment, { worker: false });
  const elsewhere = useStack(environment, { worker: false });

  /** A key that both have just used. */
  const used = async (role = 'owner') => {
    const { id, client: owner } = await here.project();
    const made = await owner.post(`/v1/projects/${id}/keys`, { name: 'used', role });
    const { id: keyId, key } = made.body.data;
    const [atHere, atElsewhere] = [here, elsewhere].map(
      ({ url }) => new ApiClient(url, key as string),
    );
    const post = async (client: ApiClient) => (await client.post('/v1/events', event)).status;
    expect(await post(atHere!)).toBe(202);
    expect(await post(atElsewhere!)).toBe(202);
    return { id, owner, keyId: keyId as string, atHere: atHere!, atElsewhere: atElsewhere!, post };
  };

  /**
   * Milliseconds from a change's answer until the other API was asked for the last time without seeing it: how long
   * the answers themselves take does not matter.
   */
  const unseenForMs = async (what: string, isSeen: () => Promise<boolean>): Promise<number> => {
    const changedAt = performance.now();
    let unseenAt = changedAt;
    await eventually(what, async () => {
      const askedAt = performance.now();
      if (await isSeen()) return true;
      unseenAt = askedAt;
      return false;
    });
    return unseenAt - changedAt;
  };

  it('a revoked key is refused there at once, and by the other within a second', async () => {
    const { id, owner, keyId, atHere, atElsewhere, post } = await used();
    // Requests in progress don't make it known again.
    const during = Promise.all(Array.from({ length: 10 }, () => post(atHere)));
    expect((await owner.delete(`/v1/projects/${id}/keys/${keyId}`)).status).toBe(200);
    expect(await post(atHere)).toBe(401);
    await during;
    expect(await post(atHere)).toBe(401);
    const ms = await unseenForMs('it is refused', async () => (await post(atElsewhere)) === 401);
    expect(ms).toBeLessThan(WITHIN_MS);
  });

  it.each([
    [
      'deletes a key',
      (c: ApiClient, id: string, keyId: string) => c.delete(`/v1/projects/${id}/keys/${keyId}`),
    ],
    [
      'deletes one that is not there',
      (c: ApiClient, id: string) => c.delete(`/v1/projects/${id}/keys/${newId('key')}`),
    ],
    [
      'makes a webhook',
      (c: ApiClient) =>
        c.post('/v1/webhooks', { name: 'A', url: 'https://example.com', events: ['*'] }),
    ],
    [
      'changes a project',
      (_c: ApiClient, id: string) => here.admin.patch(`/v1/projects/${id}`, { name: 'B' }),
    ],
    ['revokes portal links', (c: ApiClient) => c.delete('/v1/portal-links')],
    ['deletes a project', (_c: ApiClient, id: string) => here.admin.delete(`/v1/projects/${id}`)],
  ])('whoever %s has no other project’s key and settings read again', async (_what, change) => {
    const { atHere: other, post } = await used();
    await eventually('both are still remembered', async () => {
      const { id, owner, keyId } = await used();
      // They are remembered for a second.
      expect(await post(other)).toBe(202);
      expect((await change(owner, id, keyId)).status).toBeLessThan(500);
      const reads = [here.store.keys.model, here.store.projects.model].map((model) =>
        jest.spyOn(model, 'findOne'),
      );
      expect(await post(other)).toBe(202);
      const count = reads.reduce((sum, { mock }) => sum + mock.calls.length, 0);
      jest.restoreAllMocks();
      return count === 0;
    });
  });

  it('a key is removed 90 days after it has expired, and not before', async () => {
    const { id, keyId } = await used();
    const { keys } = here.store;
    const daysAgo = (days: number) => new Date(clock.now().getTime() - days * DAY_MS);
    const { record: kept } = await keys.create(id, 'kept', 'reader', daysAgo(89));
    const { record: old } = await keys.create(id, 'old', 'reader', daysAgo(91));
    await eventually('it is removed', async () => !(await keys.model.exists({ _id: old._id })));
    expect(await keys.model.countDocuments({ _id: { $in: [kept._id, keyId] } })).toBe(2);
  });

  it('a deleted project’s keys are refused there at once, and by the other within a second', async () => {
    const { id, atHere, atElsewhere, post } = await used();
    expect((await here.admin.delete(`/v1/projects/${id}`)).status).toBe(200);
    expect(await post(atHere)).toBe(401);
    const ms = await unseenForMs('it is refused', async () => (await post(atElsewhere)) === 401);
    expect(ms).toBeLessThan(WITHIN_MS);
  });

  it('a project’s settings apply there at once, and at the other within a second', async () => {
    const { id, atHere, atElsewhere, post } = await used();
    const isExpress = async (client: ApiClient): Promise<boolean> => {
      expect(await post(client)).toBe(202);
      const [latest] = await here.store.events.model
        .find({ projectId: id })
        .sort({ _id: -1 })
        .limit(1)
        .lean();
      return latest!.isExpress === true;
    };
    expect(await isExpress(atHere)).toBe(false);
    await here.admin.patch(`/v1/projects/${id}`, { dispatch: 'express' });
    expect(await isExpress(atHere)).toBe(true);
    const ms = await unseenForMs('it applies', () => isExpress(atElsewhere));
    expect(ms).toBeLessThan(WITHIN_MS);
  });

  it('revoked portal links are refused there at once, and by the other within a second', async () => {
    const { client: owner } = await here.project();
    const link = await owner.post('/v1/portal-links', { capabilities: 'read' });
    const read = async ({ url }: { url: string }): Promise<number> =>
      (await new ApiClient(url, link.body.data.token as string).get('/v1/webhooks')).status;
    expect([await read(here), await read(elsewhere)]).toEqual([200, 200]);
    expect((await owner.delete('/v1/portal-links')).status).toBe(200);
    expect(await read(here)).toBe(401);
    const ms = await unseenForMs('it is refused', async () => (await read(elsewhere)) === 401);
    expect(ms).toBeLessThan(WITHIN_MS);
  });

  it('an ended session is refused there at once, and by the other within a second', async () => {
    const { client: owner } = await here.project();
    const signedIn = new Browser(here.url);
    expect((await signedIn.signIn({ key: owner.key })).status).toBe(201);
    // The same session at both: its cookie is named after the port.
    const [name, token] = signedIn.cookie.split('=');
    const browsers = [here, elsewhere].map(({ url }) => {
      const browser = new Browser(url);
      const { port } = new URL(url);
      browser.cookie = `${name!.replace(/\d+$/, port)}=${token}`;
      return browser;
    });
    const [atHere, atElsewhere] = browsers.map((browser) => async () => {
      return (await browser.send('GET', '/v1/webhooks')).status;
    });
    expect([await atHere!(), await atElsewhere!()]).toEqual([200, 200]);
    expect((await signedIn.send('DELETE', '/dashboard/session')).status).toBe(200);
    expect(await atHere!()).toBe(401);
    const ms = await unseenForMs('it is refused', async () => (await atElsewhere!()) === 401);
    expect(ms).toBeLessThan(WITHIN_MS);
  });

  it('a key ends at its time at both, although it is remembered', async () => {
    const { id, owner } = await used();
    const expiresAt = new Date(clock.now().getTime() + 5000);
    const made = await owner.post(`/v1/projects/${id}/keys`, {
      name: 'ends',
      role: 'owner',
      expiresAt,
    });
    for (const { url } of [here, elsewhere]) {
      const client = new ApiClient(url, made.body.data.key as string);
      const answers: { sentAt: number; answeredAt: number; status: number }[] = [];
      await eventually('it has ended', async () => {
        const sentAt = clock.now().getTime();
        const { status } = await client.get('/v1/webhooks');
        answers.push({ sentAt, answeredAt: clock.now().getTime(), status });
        return status === 401;
      });
      for (const { sentAt, answeredAt, status } of answers) {
        if (sentAt > expiresAt.getTime() + 100) expect(status).toBe(401);
        if (answeredAt < expiresAt.getTime() - 100) expect(status).toBe(200);
      }
    }
  });

  it('reads neither key nor project for each request', async () => {
    const { atHere, post } = await used();
    const keys = jest.spyOn(here.store.keys.model, 'findOne');
    const projects = jest.spyOn(here.store.projects.model, 'findOne');
    const beganAt = performance.now();
    for (let n = 0; n < 20; n += 1) expect(await post(atHere)).toBe(202);
    // Each once a second.
    const seconds = Math.ceil((performance.now() - beganAt) / WITHIN_MS);
    expect(keys.mock.calls.length + projects.mock.calls.length).toBeLessThanOrEqual(2 * seconds);
    jest.restoreAllMocks();
  });
});
