import { groupBy } from './group-by.mjs';

const terminal = new Set(['succeeded', 'failed', 'skipped', 'cancelled']);
/** An attempt in progress at a strike was sent up to this long before, or is sent again after it. */
const besideMs = 20_000;

const endOf = ({ startedAt, durationMs }) => startedAt.getTime() + durationMs;

/** Compares what should have become of every event with what has. Each verdict: `{title, problems}`. */
export function judge(run) {
  const { accepted, keys, events, deliveries, webhooks, receivers, workflows, incidents } = run;
  const byEvent = groupBy(deliveries, ({ eventId }) => eventId);
  const eventIds = new Set(events.map(({ _id }) => _id));
  const deliveryIds = new Set(deliveries.map(({ _id }) => _id));
  const subscribed = (event) =>
    receivers.filter(
      ({ projectId, kind: { types } }) =>
        projectId === event.projectId && (types.includes('*') || types.includes(event.type)),
    );
  const receipts = receivers.map((receiver) => match(receiver, deliveries));

  const lost = [...accepted.keys()].filter((id) => !eventIds.has(id));
  const doubled = [
    ...groupBy(
      events.filter((event) => event.idempotencyKey),
      (event) => `${event.projectId} ${event.idempotencyKey}`,
    ),
  ]
    .filter(([key, stored]) => stored.length !== 1 || keys.get(key) !== stored[0]._id)
    .map(([key]) => key);
  const unplanned = events.flatMap((event) => {
    const got = new Set((byEvent.get(event._id) ?? []).map(({ webhookId }) => webhookId));
    return subscribed(event)
      .filter(({ webhookId }) => !got.has(webhookId))
      .map(({ name }) => `${event._id} for ${name}`);
  });
  const surplus = events
    .filter((event) => (byEvent.get(event._id) ?? []).length > subscribed(event).length)
    .map(({ _id }) => _id);
  const missed = receivers
    .filter(({ kind }) => kind.keeps)
    .flatMap((receiver) => {
      const got = new Set(receiver.receipts.map(({ deliveryId }) => deliveryId));
      return deliveries
        .filter(({ _id, webhookId }) => webhookId === receiver.webhookId && !got.has(_id))
        .map(({ _id }) => `${_id} of ${receiver.name}`);
    });
  const failedHealthy = receivers
    .filter(({ kind }) => kind.keeps)
    .flatMap(({ webhookId }) =>
      deliveries
        .filter((delivery) => delivery.webhookId === webhookId && delivery.status !== 'succeeded')
        .map(({ _id, status }) => `${_id} ${status}`),
    );
  const unsigned = receivers.flatMap((receiver) =>
    receiver.receipts
      .filter((receipt) => !receiver.verify(receipt))
      .map(({ deliveryId }) => `${deliveryId} of ${receiver.name}`),
  );
  const otherBytes = receivers.flatMap(({ receipts: all, name }) =>
    [...groupBy(all, ({ deliveryId }) => deliveryId)]
      .filter(([, same]) => same.some(({ body }) => !body.equals(same[0].body)))
      .map(([id]) => `${id} of ${name}`),
  );
  const notTerminal = deliveries
    .filter(({ status }) => !terminal.has(status))
    .map(({ _id, status }) => `${_id} ${status}`);
  const unfanned = events.filter(({ fannedOutAt }) => fannedOutAt === null).map(({ _id }) => _id);
  const orphans = [
    ...deliveries.filter(({ eventId }) => !eventIds.has(eventId)).map(({ _id }) => _id),
    ...workflows
      .filter(({ workflowId }) => {
        const [kind, id] = workflowId.split('/');
        if (kind === 'delivery') return !deliveryIds.has(id);
        return kind === 'event' && !eventIds.has(id);
      })
      .map(({ workflowId }) => workflowId),
  ];
  const running = workflows
    .filter(({ status }) => status.name === 'RUNNING')
    .map(({ workflowId }) => workflowId);
  const isBeside = (at) =>
    incidents.some(({ from, to }) => at > from - besideMs && at < to + besideMs);
  const calmDuplicates = receipts
    .flatMap(({ unlogged }) => unlogged)
    .filter(({ at }) => !isBeside(at))
    .map(({ deliveryId, at }) => `${deliveryId} at ${new Date(at).toISOString()}`);
  const again = deliveries.flatMap(({ _id, attempts, replays }) => {
    const [, ...more] = attempts.filter(({ outcome }) => outcome === 'succeeded');
    // Each replay may have one; it can't be told which.
    const excess = Math.max(0, more.length - replays);
    const calm = more.filter((attempt) => !isBeside(attempt.startedAt.getTime()));
    return Array.from({ length: excess }, () => ({ _id, isCalm: calm.length > replays }));
  });
  const phantoms = receipts.flatMap(({ phantom }) => phantom);
  const sick = receivers.flatMap((receiver) =>
    healthProblems(
      receiver,
      webhooks.find(({ _id }) => _id === receiver.webhookId),
      deliveries,
    ),
  );

  return {
    receipts,
    again: again.length,
    verdicts: [
      { title: 'every event answered 202 is in MongoDB', problems: lost },
      { title: 'an Idempotency-Key is one event', problems: doubled },
      { title: 'every event is fanned out', problems: unfanned },
      { title: 'every event has all its deliveries', problems: unplanned },
      { title: 'and none twice', problems: surplus },
      { title: 'every delivery has ended', problems: notTerminal },
      { title: 'healthy receivers got every event', problems: missed },
      { title: 'and their deliveries succeeded', problems: failedHealthy },
      { title: 'every request is signed', problems: unsigned },
      { title: 'every repetition has the same bytes', problems: otherBytes },
      { title: 'every logged success was received', problems: phantoms },
      { title: 'what is received but not logged is close to a strike', problems: calmDuplicates },
      {
        title: 'what is sent again after a success was requested, or is close to a strike',
        problems: again.filter(({ isCalm }) => isCalm).map(({ _id }) => _id),
      },
      { title: "webhooks' health agrees with the attempts", problems: sick },
      { title: 'no workflow runs', problems: running },
      { title: 'no orphan', problems: orphans },
    ],
  };
}

/**
 * A receiver's requests compared with its deliveries' logged attempts. A request carries the time at which its
 * attempt started; when it arrives is up to how busy the machine is.
 */
function match(receiver, deliveries) {
  const own = deliveries.filter(({ webhookId }) => webhookId === receiver.webhookId);
  const byDelivery = groupBy(receiver.receipts, ({ deliveryId }) => deliveryId);
  const unlogged = [];
  const phantom = [];
  for (const { _id, attempts } of own) {
    const left = [...attempts];
    for (const receipt of byDelivery.get(_id) ?? []) {
      const index = left.findIndex(({ startedAt }) => startedAt.getTime() === receipt.sentAt);
      if (index === -1) unlogged.push(receipt);
      else left.splice(index, 1);
    }
    phantom.push(
      ...left
        .filter(({ outcome }) => outcome === 'succeeded')
        .map(({ number }) => `${_id}#${number}`),
    );
  }
  return { receiver, deliveries: own, unlogged, phantom };
}

/** How much two processes may differ in what time it is. */
const skewMs = 5000;

/**
 * A failure that began before the last success doesn't change the health: if a success ended before it was
 * counted, either is right. It is counted before its delivery's next attempt, however late that is.
 */
function healthProblems({ name, webhookId }, webhook, deliveries) {
  const attempts = deliveries
    .filter((delivery) => delivery.webhookId === webhookId)
    .flatMap((delivery) =>
      delivery.attempts.map((attempt, index) => {
        const next = delivery.attempts.slice(index + 1).find(({ superseded }) => !superseded);
        return { ...attempt, countedBy: next ? next.startedAt.getTime() + skewMs : Infinity };
      }),
    )
    .filter(({ superseded }) => !superseded)
    .toSorted((a, b) => endOf(a) - endOf(b));
  const successes = attempts.filter(({ outcome }) => outcome === 'succeeded').map(endOf);
  const failures = attempts.filter(({ outcome }) => outcome === 'failed');
  const isSure = (failure) =>
    !successes.some((at) => at > failure.startedAt.getTime() && at < failure.countedBy);
  const lastSuccess = successes.at(-1) ?? null;
  const lastSure = failures.findLast(isSure);
  const since = failures.filter((failure) => endOf(failure) > (lastSuccess ?? 0));
  const valueOf = (field) => webhook[field]?.valueOf() ?? null;
  const failedAt = valueOf('lastFailedAt');
  const { failureCount } = webhook;
  const problems = [];
  if (valueOf('lastSuccessAt') !== lastSuccess) {
    problems.push(`lastSuccessAt is ${valueOf('lastSuccessAt')}, not ${lastSuccess}`);
  }
  const isFailure = failedAt === null || failures.some((failure) => endOf(failure) === failedAt);
  if (!isFailure || (failedAt ?? 0) < (lastSure ? endOf(lastSure) : 0)) {
    problems.push(`lastFailedAt is ${failedAt}`);
  }
  const sure = since.filter(isSure).length;
  if (failureCount < sure || failureCount > since.length) {
    problems.push(`failureCount is ${failureCount}, not ${sure} to ${since.length}`);
  }
  return problems.map((problem) => `${name}: ${problem}`);
}
