import { sleep } from '../scripts/lib/run.mjs';

/** The share of events that are posted once, without a key: whether they were accepted is not known. */
const unkeyedShare = 0.2;
/** The share posted as batches, each with a key. */
const batchShare = 0.1;
const batchSize = 3;
const steerEveryMs = 4000;
/** How far back a bulk replay reaches. */
const replayedMs = 10_000;
/** For how long the former secret signs too: 7.2 s. */
const overlapHours = 0.002;

/**
 * Posts events at a steady rate, independently of each other. One with a key is repeated until it is
 * accepted, as a careful customer does.
 * Returns `{done, accepted, keys, statuses}`: Maps of event id to type, of project and key to event id, and
 * of the answers' status (0: none) to its count.
 */
export function startLoad({ projectId, caller, samples, random, ratePerSecond, durationMs }) {
  const accepted = new Map();
  const keys = new Map();
  const statuses = new Map();
  const types = [...samples.keys()];
  const count = (status) => statuses.set(status, (statuses.get(status) ?? 0) + 1);

  const post = async (number) => {
    const type = random.pick(types);
    const body = { type, data: samples.get(type) };
    const isKeyed = random.next() >= unkeyedShare;
    const headers = isKeyed ? { 'idempotency-key': `event-${number}` } : {};
    const call = isKeyed ? caller.must : caller.once;
    const { status, data } = await call('POST', '/v1/events', body, headers);
    count(status);
    if (status !== 202) return;
    accepted.set(data.id, type);
    if (isKeyed) keys.set(`${projectId} event-${number}`, data.id);
  };

  const postBatch = async (number) => {
    const posted = Array.from({ length: batchSize }, () => random.pick(types));
    const body = { events: posted.map((type) => ({ type, data: samples.get(type) })) };
    const key = `batch-${number}`;
    const headers = { 'idempotency-key': key };
    const { status, data } = await caller.must('POST', '/v1/events/batch', body, headers);
    count(status);
    data.events.forEach(({ id, type }, index) => {
      accepted.set(id, type);
      // As Posthorn stores the keys of a batch.
      keys.set(`${projectId} batch ${index} ${key}`, id);
    });
  };

  const run = async () => {
    const start = Date.now();
    const posts = [];
    for (let number = 1; ; number += 1) {
      const ahead = start + (number * 1000) / ratePerSecond - Date.now();
      if (ahead > 0) await sleep(ahead);
      if (Date.now() - start > durationMs) break;
      posts.push(random.next() < batchShare ? postBatch(number) : post(number));
    }
    await Promise.all(posts);
  };
  return { done: run(), accepted, keys, statuses };
}

/**
 * Until stopped: pauses and resumes the webhook of the steered receiver, rotates its secret (until a rotation
 * is not answered) and replays deliveries, singly and in bulk; cancels and retries those of the flapping one.
 * The webhook is resumed at the end.
 */
export function startSteering({ caller, receiverOf, random }) {
  const receiver = receiverOf('steered');
  const { webhookId } = receiver;
  const failingId = receiverOf('flapping').webhookId;
  const stopping = new AbortController();
  const path = `/v1/webhooks/${webhookId}`;
  let replays = 0;
  let bulkReplays = 0;
  let rotations = 0;
  let isSecretUnsure = false;

  const learnSecret = (secret) => {
    if (receiver.secrets.includes(secret)) return;
    receiver.secrets.push(secret);
    rotations += 1;
  };

  const actions = [
    async () => {
      await caller.must('POST', `${path}/pause`);
      await sleep(random.between(1000, steerEveryMs));
      // Once: whether an unanswered resume took effect is found out by the next one.
      await caller.once('POST', `${path}/resume`);
    },
    async () => {
      // Another rotation could supersede the secret of an unanswered one before it is read.
      if (isSecretUnsure) return;
      const rotated = await caller.attempt('POST', `${path}/secret/rotate`, { overlapHours });
      if (rotated) learnSecret(rotated.data.secret);
      else isSecretUnsure = true;
    },
    async () => {
      const { data } = await caller.must('GET', `/v1/deliveries?webhookId=${webhookId}&limit=100`);
      const ended = data.deliveries.filter(({ status }) => status === 'succeeded');
      if (ended.length === 0) return;
      const { status } = await caller.once(
        'POST',
        `/v1/deliveries/${random.pick(ended).id}/replay`,
      );
      if (status === 202) replays += 1;
    },
    async () => {
      const [since, until] = [Date.now() - replayedMs, Date.now()].map((at) => new Date(at));
      const query = { webhookId, statuses: ['succeeded'], since, until };
      const { status } = await caller.once('POST', '/v1/replays', query);
      if (status === 202) bulkReplays += 1;
    },
    async () => {
      const query = `webhookId=${failingId}&status=pending&limit=100`;
      const { data } = await caller.must('GET', `/v1/deliveries?${query}`);
      if (data.deliveries.length === 0) return;
      const ask = random.pick(['retry', 'cancel']);
      await caller.once('POST', `/v1/deliveries/${random.pick(data.deliveries).id}/${ask}`);
    },
  ];

  const run = async () => {
    while (!stopping.signal.aborted) {
      await random.pick(actions)();
      await sleep(random.between(0, steerEveryMs));
    }
    await caller.must('POST', `${path}/resume`);
  };
  const done = run();
  return {
    get replays() {
      return replays;
    },
    get bulkReplays() {
      return bulkReplays;
    },
    get rotations() {
      return rotations;
    },
    /** Once nothing is in progress: an unanswered rotation may take effect at any time before. */
    async learnLastSecret() {
      if (!isSecretUnsure) return;
      const { data } = await caller.must('GET', `${path}/secret`);
      learnSecret(data.secret);
    },
    stop: () => {
      stopping.abort();
      return done;
    },
  };
}
