import { once } from 'node:events';
import { sleep } from '../scripts/lib/run.mjs';
import { nowMs } from './clock.mjs';
import { each } from './post.mjs';
import { measureProcesses } from './processes.mjs';

const lookEveryMs = 100;
/** Without a further delivery for that long, what is missing counts as lost. */
const patienceMs = 60_000;

/**
 * One contender under one load. `onProgress({accepted, received})`. Returns its figures; those that don't
 * apply, or can't be read here, are undefined.
 */
export async function measure({ stack, costs, contender, load, clients, run, onProgress }) {
  const expected = load.events * load.webhooks;
  const prepared = await contender.prepare(load.webhooks);
  const { receiver } = stack;
  const ask = async (message) => {
    receiver.send(message);
    return (await once(receiver, 'message'))[0];
  };
  await ask({ begin: run });
  const since = new Date();
  const commandsBefore = prepared.projectId && (await costs.mongoCommands());
  const endProcesses = measureProcesses(contender.pids);

  const startedAtMs = nowMs();
  const sending = prepared.sendAll
    ? prepared.sendAll(run, load).then(() => undefined)
    : acceptAll(prepared.accept, { load, clients, run });
  let isSent = false;
  sending.then(
    () => (isSent = true),
    () => (isSent = true),
  );
  let count = await ask('count');
  for (let quietSinceMs = nowMs(); ;) {
    await sleep(lookEveryMs);
    const now = await ask('count');
    if (now.received > count.received || !isSent) quietSinceMs = nowMs();
    count = now;
    onProgress(count.received, expected);
    if (isSent && (count.received >= expected || nowMs() - quietSinceMs > patienceMs)) break;
  }
  const posts = await sending;
  await settled(contender, prepared, costs, expected);

  const processes = endProcesses();
  const commands = prepared.projectId && between(commandsBefore, await costs.mongoCommands());
  const histories = await costs.histories(contender.workflowTypes, since);
  const logged = prepared.projectId && (await costs.succeeded(prepared.projectId));
  const receipts = await ask('receipts');
  const { received, repeated, lastAtMs } = await ask('count');
  return {
    ...(posts && acceptFigures(posts, startedAtMs)),
    deliveriesPerSecond: received / ((lastAtMs - startedAtMs) / 1000),
    ...(posts && delayFigures(posts, receipts)),
    ...processFigures(processes, expected),
    ...(contender.workflowTypes.length > 0 && {
      historyEvents: histories.events / expected,
      historyBytes: histories.bytes / expected,
      workflows: histories.workflows / expected,
    }),
    ...(commands && {
      mongoCommands: sumOf(Object.values(commands)) / expected,
      mongoCommandsByName: commands,
    }),
    lost: expected - received,
    duplicates: repeated,
    ...(logged !== undefined && { notLogged: expected - logged }),
  };
}

/** Posts all events of a load. Returns when each was posted and accepted, `[fromMs, atMs]` by its number. */
export async function acceptAll(accept, { load, clients, run }) {
  const posts = Array.from({ length: load.events });
  const post = async (n) => {
    const fromMs = nowMs();
    await accept(run, n);
    posts[n] = [fromMs, nowMs()];
  };
  if (load.perSecond === undefined) await each(load.events, clients, post);
  else {
    // At their times, however long the answers take.
    const startedAtMs = nowMs();
    const posting = [];
    for (let n = 0; n < load.events; n += 1) {
      await sleep(Math.max(0, startedAtMs + (n * 1000) / load.perSecond - nowMs()));
      posting.push(post(n));
    }
    await Promise.all(posting);
  }
  return posts;
}

/** Waits until what follows the last receipt is done too: all is in the log, and no workflow runs. */
async function settled({ workflowTypes }, { projectId }, costs, expected) {
  // A courier stays for a while.
  const types = workflowTypes.filter((type) => type !== 'courier');
  const isBusy = async () =>
    (types.length > 0 && (await costs.isRunning(types))) ||
    (projectId && (await costs.succeeded(projectId)) < expected);
  for (const untilMs = nowMs() + patienceMs; nowMs() < untilMs && (await isBusy());) {
    await sleep(lookEveryMs);
  }
}

function acceptFigures(posts, startedAtMs) {
  const lastMs = posts.reduce((latest, [, atMs]) => Math.max(latest, atMs), 0);
  const took = ascending(posts.map(([fromMs, atMs]) => atMs - fromMs));
  return {
    acceptedPerSecond: posts.length / ((lastMs - startedAtMs) / 1000),
    apiP50Ms: percentile(took, 0.5),
    apiP99Ms: percentile(took, 0.99),
  };
}

/** From the acceptance of each event to each of its receipts; 0 for one that came before the answer. */
export function delayFigures(posts, receipts) {
  const delays = ascending(receipts.map(([n, atMs]) => Math.max(0, atMs - posts[n][1])));
  return {
    receiptP50Ms: percentile(delays, 0.5),
    receiptP95Ms: percentile(delays, 0.95),
    receiptP99Ms: percentile(delays, 0.99),
  };
}

function processFigures(processes, expected) {
  const byName = (figure) =>
    Object.fromEntries(Object.entries(processes).map(([name, of]) => [name, figure(of)]));
  const cpuMsByProcess = byName(({ cpuMs }) => cpuMs && cpuMs / expected);
  const peakMbByProcess = byName(({ peakMb }) => peakMb);
  return {
    cpuMs: sumOf(Object.values(cpuMsByProcess)),
    cpuMsByProcess,
    peakMb: sumOf(Object.values(peakMbByProcess)),
    peakMbByProcess,
  };
}

/** undefined if one is. */
const sumOf = (values) =>
  values.includes(undefined) ? undefined : values.reduce((sum, value) => sum + value, 0);
const ascending = (values) => values.toSorted((a, b) => a - b);
const percentile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** The median of each figure over several rounds, those by name too. */
export function mediansOf(rounds) {
  const [first] = rounds;
  return Object.fromEntries(
    Object.entries(first).map(([name, value]) => {
      const values = rounds.map((round) => round[name]);
      if (typeof value === 'object') return [name, mediansOf(values)];
      const known = ascending(values.filter((one) => one !== undefined));
      const middle = known.length / 2;
      const median = (known[Math.floor(middle)] + known[Math.ceil(middle) - 1]) / 2;
      return [name, known.length === 0 ? undefined : median];
    }),
  );
}

/** How many commands there were between two counts, by name. */
function between(before, after) {
  if (!before || !after) return undefined;
  const earlier = new Map(before);
  return Object.fromEntries(
    after
      .map(([name, total]) => [name, total - (earlier.get(name) ?? 0)])
      .filter(([, count]) => count > 0),
  );
}
