import { Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { TERMINAL_STATUSES } from '../../contracts/delivery';
import { newId } from '../../contracts/ids';
import { OPERATIONAL_TYPES } from '../../contracts/operational';
import { isSubscribed } from '../../domain/subscription';
import { getProfile } from '../../profiles';
import { makeWithin } from '../../store/make-within';
import { UNENDED_REPLAY_STATUSES, type ReplayRecord } from '../../store/replays';
import { countForReplay } from '../../store/replay-selection';
import { stopReplay } from '../../store/stop-replay';
import type { Store } from '../../store/store';
import type { Engine } from '../../temporal/engine';
import { runOrLeave } from '../../temporal/run-or-leave';
import { answer, answerPage } from '../http/answers';
import { audited } from '../http/audited';
import { allow, changedBy, projectOf } from '../http/auth';
import { counted } from '../http/error-handler';
import { notFound, refusal } from '../http/errors';
import type { EventCatalog } from '../events/event-catalog';
import { TYPE } from '../events/event-types';
import { leftToPlatform, refuseSending } from '../http/left-to-platform';
import { findWebhook } from '../http/references';
import { resourceInPath } from '../http/resource-in-path';
import { inCountTurn } from '../http/under-way';
import { reference } from '../schemas/fields';
import type { replaySchema } from '../schemas/replay';
import { instant, pageQuery, parseBody, parseListQuery, someOf } from '../http/validation';
import { subscriptionField } from '../webhooks/webhook-body';

export interface ReplaysDependencies {
  store: Store;
  engine: Engine;
  catalog: EventCatalog;
  log: Logger;
}

/** Running or paused replays of a project's platform, and of its customers: each is a workflow. */
const MAX_UNENDED = 200;

/** @param types the schema of a subscription's field: deliveries are selected by the same patterns */
export const replayBody = (types: z.ZodType<string[]>) =>
  z
    .strictObject({
      webhookId: reference('webhook').optional(),
      statuses: someOf(TERMINAL_STATUSES).default(['failed', 'skipped']),
      types: types.optional(),
      since: instant,
      until: instant,
      endedSince: instant.optional(),
      ratePerSecond: z
        .number()
        .min(0.1)
        .max(100)
        .nullable()
        .default(null)
        .describe('null: as many as its webhooks take, behind new deliveries'),
      dryRun: z.boolean().default(false),
    })
    .refine(({ since, until }) => since < until, { path: ['until'], error: 'must be after since' });
export const replaysQuery = z.strictObject(pageQuery('replay'));

/** The current types that the patterns match, and the types that they name but the project no longer has. */
function expanded(patterns: readonly string[], names: readonly string[]): string[] {
  const current = [...names, ...OPERATIONAL_TYPES].filter((type) => isSubscribed(patterns, type));
  return [...new Set([...current, ...patterns.filter((pattern) => TYPE.test(pattern))])];
}

/** A dry run changes nothing. */
const isDryRun = (body: unknown): boolean =>
  (body as { dryRun?: unknown } | undefined)?.dryRun === true;

function view(replay: ReplayRecord): z.infer<typeof replaySchema> {
  const { _id, projectId, query, ratePerSecond, status, matched, replayed, failed } = replay;
  const { createdAt, updatedAt, completedAt } = replay;
  return {
    id: _id,
    projectId,
    ...query,
    ratePerSecond,
    status,
    startedBy: replay.startedBy ?? 'platform',
    pausedBy: status === 'paused' ? (replay.pausedBy ?? 'platform') : null,
    matched,
    replayed,
    failed,
    createdAt,
    updatedAt,
    completedAt,
  };
}

/** `/v1/replays`: bulk replays */
export function replaysRouter({ store, engine, catalog, log }: ReplaysDependencies): Router {
  const router = Router();
  const read = allow('owner', 'reader');
  const write = allow('owner');

  const start = async (replay: ReplayRecord): Promise<void> => {
    await runOrLeave(log, { replayId: replay._id }, 'bulk replay left to reconcile', () =>
      engine.wakeReplay(replay),
    );
  };

  const created = audited('replay.created', 'id', ({ body }) => !isDryRun(body));
  router.post('/', write, created, async (req, res) => {
    const project = projectOf(res);
    const profile = getProfile(project.profile);
    const ping = profile.pingOnCreate?.type;
    // Nobody subscribes to pings, but they are found by their type.
    const names = [...(await catalog.names(project)), ...(ping === undefined ? [] : [ping])];
    // Deliveries stay when their type is deleted.
    const isFormer = (type: string): boolean => profile.eventTypesFromProject && TYPE.test(type);
    const field = subscriptionField(profile, names, changedBy(res), isFormer);
    const { ratePerSecond, dryRun, types, webhookId, ...rest } = parseBody(replayBody(field), req);
    const webhook =
      webhookId === undefined ? undefined : await findWebhook(store, project, webhookId);
    if (webhook === null) throw notFound('the webhook');
    if (webhook) refuseSending(res, webhook);
    const query = {
      ...rest,
      ...(webhook && { webhookId: webhook._id }),
      ...(types && !types.includes('*') && { types: expanded(types, names) }),
    };
    const found = await inCountTurn(res, () => counted(countForReplay(store, project._id, query)));
    // The client has gone, and would not learn of it. As it is refused, it is not audited either.
    if (!found) throw refusal('bad_request');
    const { counts, endedBy, createdBy } = found;
    const matched = [...counts.values()].reduce((sum, count) => sum + count, 0);
    if (dryRun) {
      answer(res, { matched, byWebhook: Object.fromEntries(counts) });
      return;
    }
    const projectId = project._id;
    const startedBy = changedBy(res);
    const replay = await makeWithin(
      store,
      { of: store.projects, owner: projectId, max: MAX_UNENDED },
      (session) => store.replays.countUnended(projectId, startedBy, MAX_UNENDED, session),
      (session) =>
        store.replays.create(
          {
            _id: newId('replay'),
            projectId,
            query,
            ratePerSecond,
            status: 'running',
            startedBy,
            matched,
            endedBy,
            createdBy,
            completedAt: null,
          },
          session,
        ),
    );
    if (!replay) {
      if (!(await store.projects.get(projectId))) throw notFound('the project');
      throw refusal('replay_limit_reached', { max: MAX_UNENDED });
    }
    await start(replay);
    answer(res, view(replay), 202);
  });

  router.get('/', read, async (req, res) => {
    const { page } = parseListQuery(replaysQuery, req);
    answerPage(res, 'replays', await store.replays.list(projectOf(res)._id, page), view);
  });

  router.get('/:id', read, async (req, res) => {
    answer(res, view(await resourceInPath(req, res, 'replay', store.replays)));
  });

  const moves = {
    pause: { from: UNENDED_REPLAY_STATUSES, to: 'paused', action: 'replay.paused' },
    resume: { from: UNENDED_REPLAY_STATUSES, to: 'running', action: 'replay.resumed' },
    cancel: {
      from: [...UNENDED_REPLAY_STATUSES, 'cancelled'],
      to: 'cancelled',
      action: 'replay.cancelled',
    },
  } as const;
  for (const [name, { from, to, action }] of Object.entries(moves)) {
    router.post(`/:id/${name}`, write, audited(action), async (req, res) => {
      const before = await resourceInPath(req, res, 'replay', store.replays);
      const by = changedBy(res);
      const replay =
        to === 'running'
          ? await store.replays.move(before._id, from, to, by)
          : await stopReplay(store, before, from, to, by);
      if (!replay) {
        const { status } = await resourceInPath(req, res, 'replay', store.replays);
        if (!from.some((one) => one === status)) throw refusal('replay_ended', { status });
        throw leftToPlatform('the platform has started or paused this bulk replay');
      }
      if (to === 'running') await start(replay);
      answer(res, view(replay), 202);
    });
  }

  return router;
}
