import { newId } from '../../../src/contracts/ids';
import { MAX_EXPIRED } from '../../../src/store/keys';
import type { Answer } from '../../support/api-client';
import { portalLink } from '../../support/portal-link';
import { useStack } from '../../support/use';
import { expectRefusal } from './refusal';

const MAX_KEYS = 5;
const MAX_REPLAYS = 200;

const stack = useStack({ POSTHORN_MAX_KEYS_PER_PROJECT: String(MAX_KEYS) }, { worker: false });

const statusesOf = (answers: readonly Answer[]): number[] =>
  answers.map(({ status }) => status).toSorted((a, b) => a - b);

describe('the keys of a project', () => {
  const key = { name: 'K', role: 'reader' };

  it('are so many, however many are made at once', async () => {
    const { id, client } = await stack.project();
    const path = `/v1/projects/${id}/keys`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? client : stack.admin).post(path, key)),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(MAX_KEYS - 1);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectRefusal(answer, 'key_limit_reached');
      expect(answer.body.error.message).toMatch(
        /^this project already has 5 keys, the maximum; delete one/,
      );
    }
    expect(await stack.store.keys.model.countDocuments({ projectId: id })).toBe(MAX_KEYS);
    const { body } = await client.get('/v1/audit?action=key.created');
    expect(body.data.entries).toHaveLength(MAX_KEYS);

    // Another project has its own; a key that was deleted leaves its place.
    const other = await stack.project();
    expect((await other.client.post(`/v1/projects/${other.id}/keys`, key)).status).toBe(201);
    expect((await client.delete(`${path}/${made[0]!.body.data.id}`)).status).toBe(200);
    const again = await Promise.all([client.post(path, key), stack.admin.post(path, key)]);
    expect(statusesOf(again)).toEqual([201, 422]);
  });

  it('are so many besides those that have expired', async () => {
    const { id, client } = await stack.project();
    const path = `/v1/projects/${id}/keys`;
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    for (let n = 1; n < MAX_KEYS; n += 1) {
      expect((await client.post(path, { ...key, expiresAt })).status).toBe(201);
    }
    expectRefusal(await client.post(path, key), 'key_limit_reached');
    // Their hour goes by.
    await stack.store.keys.model.updateMany(
      { projectId: id, expiresAt: { $ne: null } },
      { $set: { expiresAt: new Date(Date.now() - 1000) } },
    );
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.post(path, key)));
    expect(statusesOf(answers)).toEqual([201, 201, 201, 201, 422, 422, 422, 422]);
  });

  it('are kept once expired, but for those that have expired before very many others', async () => {
    const { id: projectId, client } = await stack.project();
    const { model } = stack.store.keys;
    const now = Date.now();
    const expired = Array.from({ length: MAX_EXPIRED + 10 }, (_, n) => ({
      ...key,
      _id: newId('key'),
      projectId,
      hash: `${projectId} ${n}`,
      expiresAt: new Date(now - 1000 - n),
    }));
    await model.insertMany(expired);
    expect((await client.post(`/v1/projects/${projectId}/keys`, key)).status).toBe(201);
    const left = await model.find({ projectId, expiresAt: { $ne: null } }).sort({ expiresAt: -1 });
    expect(left.map(({ _id }) => _id)).toEqual(expired.slice(0, MAX_EXPIRED).map(({ _id }) => _id));
    // Those that are valid are not affected.
    expect(await model.countDocuments({ projectId, expiresAt: null })).toBe(2);
  });

  it('of a project that is not there are told as that', async () => {
    const answer = await stack.admin.post(`/v1/projects/${newId('project')}/keys`, key);
    expectRefusal(answer, 'not_found');
  });
});

it('the bulk replays of a project that have not ended are so many, however many are made at once', async () => {
  const { id: projectId, client } = await stack.project();
  const range = { since: new Date(0).toISOString(), until: new Date().toISOString() };
  const { replays } = stack.store;
  await replays.model.insertMany(
    Array.from({ length: MAX_REPLAYS - 1 }, (_, n) => ({
      _id: newId('replay'),
      projectId,
      query: { statuses: ['failed'], since: new Date(0), until: new Date() },
      ratePerSecond: 1,
      status: n % 2 === 0 ? 'paused' : 'running',
      matched: 0,
    })),
  );
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => client.post('/v1/replays', range)),
  );
  expect(statusesOf(answers)).toEqual([202, 422, 422, 422, 422]);
  for (const answer of answers.filter(({ status }) => status !== 202)) {
    expectRefusal(answer, 'replay_limit_reached');
  }
  expect((await client.post('/v1/replays', { ...range, dryRun: true })).status).toBe(200);
  const other = await stack.project();
  expect((await other.client.post('/v1/replays', range)).status).toBe(202);
  // Its customers have as many, which leave the platform its own.
  const { client: customer } = await portalLink(client, 'manage');
  expect((await customer.post('/v1/replays', range)).status).toBe(202);
  await replays.model.updateMany(
    { projectId, startedBy: { $exists: false } },
    { $set: { startedBy: 'customer' } },
  );
  expectRefusal(await customer.post('/v1/replays', range), 'replay_limit_reached');
  expect((await client.post('/v1/replays', range)).status).toBe(202);
  const made = answers.find(({ status }) => status === 202)!.body.data.id;
  expect((await client.post(`/v1/replays/${made}/cancel`)).status).toBe(202);
  expect((await client.post('/v1/replays', range)).status).toBe(202);
});
