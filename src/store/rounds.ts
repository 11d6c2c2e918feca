import type { ClientSession, Model } from 'mongoose';
import {
  UNENDED_STATUSES,
  type Attempt,
  type DeferralReason,
  type DeliveryStatus,
} from '../contracts/delivery';
import { deliveriesEnded } from '../metrics';
import { changeOne, onlyIf } from './change-one';
import type { Recounts } from './counted-hours';
import { queueFor, type DeliveryRecord } from './delivery-record';
import {
  cancelledNow,
  decidesOn,
  decisionOf,
  endedBecause,
  logged,
  queuedAs,
  replayed,
  withoutAnswer,
  type Judgement,
} from './delivery-states';
import { isLatest } from './latest-execution';

/** A run that is about to make an attempt. */
export interface RunOpening {
  runId: string;
  /** It was made by a reset, not by the delivery's plan. */
  isReset: boolean;
  /** The attempt is to be made now, even if it is not due. */
  isForced: boolean;
  /** When Temporal scheduled this execution: of two, only the later counts. */
  scheduledAt: Date;
}

/** A run that was told to cancel its delivery. */
export interface RunCancel {
  runId: string;
  /** It was made by a reset, or has attempted nothing yet: a run that has been requested may be this one. */
  mayBeRequested: boolean;
  /** When it is to be done. */
  scheduledAt: Date;
  /** How often the delivery had been replayed when it was cancelled; an operator's cancel doesn't say. */
  replays?: number | null | undefined;
}

/**
 * What became of a recorded attempt: it decided; its delivery had ended meanwhile (cancelled, skipped); or
 * another execution or run had taken over, or the delivery was replayed, and another one decides instead.
 */
export interface Recorded {
  attempt: Attempt;
  outcome: 'decided' | 'ended' | 'superseded';
  status: DeliveryStatus;
}

/** No other execution has taken over since it was loaded, nor a replay: one in bulk requests no run at first. */
const asLoaded = ({ _id, runId, execution, runRequested, replays }: DeliveryRecord) => ({
  _id,
  runId,
  execution: execution ?? null,
  runRequested,
  replays,
});

/** The same for what was read again, which may now say that `runId` is the run that counts. */
export const isAtWork = (
  seen: DeliveryRecord,
  loaded: DeliveryRecord,
  runId = loaded.runId,
): boolean =>
  (seen.runId === loaded.runId || seen.runId === runId) &&
  seen.execution?.getTime() === loaded.execution?.getTime() &&
  seen.runRequested === loaded.runRequested &&
  seen.replays === loaded.replays;

/**
 * What a workflow's run writes to its delivery (docs/adr/0022). A run opens its round first; every later
 * write is guarded by what that returned, so that only one of several runs or executions decides.
 */
export class Rounds {
  constructor(
    private readonly model: Model<DeliveryRecord>,
    private readonly recounts: Recounts,
  ) {}

  /**
   * Makes this run, in one write, the one that counts. A run that the delivery waits for (its first, one that
   * Posthorn has requested, or the current one) continues the round; any other is an operator's reset, and
   * begins a new round, counted as a replay. After this, no earlier run or execution decides anything.
   * @param madeBy of a run that the delivery does not wait for: only an operator's begins a round; one of Posthorn's
   * has come late, after another run for which it was requested as well, and begins none; what is unknown does nothing
   * @returns the delivery afterwards; null if a later execution or a courier has been here, or it was deleted
   */
  async open(
    id: string,
    { runId, isReset, isForced, scheduledAt }: RunOpening,
    madeBy: 'operator' | 'posthorn' | 'unknown' = 'operator',
  ): Promise<DeliveryRecord | null> {
    const isKnown = { $eq: ['$runId', runId] };
    const isFirst = isReset ? false : { $eq: ['$runId', null] };
    // Without its payload it can't be replayed.
    const isExpected = {
      $or: [isKnown, '$runRequested', isFirst, { $eq: ['$expunged', true] }, madeBy === 'posthorn'],
    };
    const isUnasked = { $not: [isExpected] };
    // What an execution that died had queued has no time, and would have no place either.
    const isWithoutTime = { $eq: ['$nextAttemptAt', null] };
    const isPending = { $eq: ['$status', 'pending'] };
    const isDueNow = { $and: [isPending, isForced || isWithoutTime] };
    const openIf = (filter: object, session: ClientSession | null = null) =>
      changeOne(
        this.model,
        {
          _id: id,
          isExpress: null,
          $expr: { $and: [isLatest(scheduledAt), madeBy !== 'unknown' || isExpected] },
          ...filter,
        },
        {
          ...onlyIf(isUnasked, { ...replayed, replayRequestedAt: '$$NOW' }),
          ...onlyIf({ $or: [isUnasked, isDueNow] }, { nextAttemptAt: '$$NOW' }),
          // Whoever caused this run, the courier need not release it; but what is held ends the run, and waits
          // there.
          ...onlyIf({ $or: [isUnasked, isPending] }, { queuedIn: '$$REMOVE' }),
          runId,
          runRequested: false,
          execution: scheduledAt,
          openedAt: '$$NOW',
        },
        { session },
      );
    const isUnended = { status: { $in: UNENDED_STATUSES } };
    return (await openIf(isUnended)) ?? this.recounts.noting((session) => openIf({}, session));
  }

  /**
   * Logs an attempt and what it means for the delivery, in one write guarded by what was loaded before the
   * exchange. An attempt of a superseded execution, run or round, or one after the delivery's end, is logged too, but
   * decides nothing; unless it has succeeded, and the delivery was only ended with its webhook.
   * @param loaded the delivery as it was before the exchange
   * @param mayDecide false if it is known to be superseded
   */
  async record(
    loaded: DeliveryRecord,
    exchange: Omit<Attempt, 'number' | 'superseded'>,
    judgement: Judgement,
    mayDecide: boolean,
  ): Promise<Recorded> {
    const { status } = judgement;
    const { runId } = exchange;
    const decision = { ...decisionOf(judgement), runId, hasTurn: '$$REMOVE' };
    let seen: DeliveryRecord | null = loaded;
    while (seen) {
      // If another execution of its run has recorded an attempt, a failure is for that execution to decide.
      const known = status === 'succeeded' ? runId : undefined;
      const isSuperseded = !mayDecide || !isAtWork(seen, loaded, known);
      const decides = !isSuperseded && decidesOn(seen, judgement);
      const attempt: Attempt = {
        number: seen.attemptCount + 1,
        ...(seen.expunged ? withoutAnswer(exchange) : exchange),
        ...(isSuperseded && { superseded: true }),
        ...(decides && status === 'failed' && { failedRound: seen.replays }),
      };
      const entry = logged(attempt, { $literal: attempt }, seen.replays === loaded.replays);
      const before = seen;
      const write = async (
        session: ClientSession | null = null,
      ): Promise<DeliveryRecord | null> => {
        const { modifiedCount } = await this.model
          .updateOne(
            {
              ...asLoaded(before),
              attemptCount: before.attemptCount,
              status: before.status,
              expunged: before.expunged ?? null,
            },
            [{ $set: { ...entry, ...(decides && decision) } }],
          )
          .session(session);
        return modifiedCount === 1 ? before : null;
      };
      const isUnended = UNENDED_STATUSES.includes(before.status);
      if (isUnended ? await write() : await this.recounts.noting(write)) {
        if (decides && status !== 'pending') deliveriesEnded.inc({ status });
        return {
          attempt,
          outcome: decides ? 'decided' : isSuperseded ? 'superseded' : 'ended',
          status: decides ? status : seen.status,
        };
      }
      seen = await this.model.findById(loaded._id).lean<DeliveryRecord>();
    }
    // Deleted with its project during the exchange: there is nothing left to log it in.
    const attempt = { number: loaded.attemptCount + 1, ...exchange };
    return { attempt, outcome: 'superseded', status: 'cancelled' };
  }

  /** Records that an attempt's failure has been counted and followed up. */
  async noteHealthCounted(id: string, attempt: number): Promise<void> {
    await this.model.updateOne({ _id: id }, { $max: { healthCounted: attempt } });
  }

  /**
   * Ends a delivery because a run was told to, unless it has ended already: in that run, or in one that it was
   * reset from, which doesn't affect this one. Nor does it end what has been replayed since it was told to.
   * @returns the delivery afterwards; this run ended it if `runId` is this run's; null if it was deleted
   */
  async cancel(
    id: string,
    { runId, mayBeRequested, scheduledAt, replays }: RunCancel,
  ): Promise<DeliveryRecord | null> {
    // Its first attempt opens nothing.
    const isFirst = mayBeRequested ? false : { $eq: ['$runId', null] };
    const isItself = { $eq: ['$runId', runId] };
    // What the courier has released is for the run that waits for it, if there is one.
    const isRequested = { $and: ['$runRequested', { $ne: ['$hasTurn', true] }] };
    // Replayed since: a bulk replay's may be queued, released, or taken out of the queue by a retry.
    const isUnopened = { $and: [{ $gt: ['$replays', 0] }, { $not: ['$openedAt'] }] };
    const isOpenedLater = { $and: [{ $ne: ['$runId', null] }, { $not: [isLatest(scheduledAt)] }] };
    const hasEnded = { $not: [{ $in: ['$status', [...UNENDED_STATUSES]] }] };
    const isReplayed = { $gt: ['$replays', replays ?? Infinity] };
    const isLeft = {
      $cond: [{ $or: [isItself, isFirst] }, { $or: [isRequested, isUnopened] }, isOpenedLater],
    };
    const isMine = { $not: [{ $or: [isReplayed, isLeft] }] };
    const itsRun = { runId, runRequested: false };
    const cancelled = await changeOne(
      this.model,
      { _id: id, status: { $in: UNENDED_STATUSES }, $expr: isMine },
      { ...cancelledNow, ...itsRun },
    );
    if (cancelled) {
      deliveriesEnded.inc({ status: 'cancelled' });
      return cancelled;
    }
    const isAwaited = { $and: [isMine, hasEnded, { $or: ['$runRequested', isFirst] }] };
    return changeOne(this.model, { _id: id }, onlyIf(isAwaited, itsRun));
  }

  /**
   * Puts a pending delivery whose next attempt may not be made now into its project's queue: as `held` if its
   * webhook is paused, otherwise with the reason.
   * @returns false if the run no longer counts, or the delivery has ended
   */
  async queue(
    loaded: DeliveryRecord,
    runId: string,
    as: 'held' | DeferralReason,
  ): Promise<boolean> {
    const queued = queuedAs(as, queueFor(loaded));
    return this.take(loaded, { ...queued, runId, hasTurn: '$$REMOVE' });
  }

  /** Ends, in the same way, a pending delivery whose webhook the run has found disabled. */
  async skip(loaded: DeliveryRecord, runId: string): Promise<boolean> {
    const isSkipped = await this.take(loaded, { ...endedBecause('webhook_disabled'), runId });
    if (isSkipped) deliveriesEnded.inc({ status: 'skipped' });
    return isSkipped;
  }

  /** @param fields as a pipeline's expressions */
  private async take(loaded: DeliveryRecord, fields: Record<string, unknown>): Promise<boolean> {
    const { modifiedCount } = await this.model.updateOne(
      { ...asLoaded(loaded), status: 'pending' },
      [{ $set: fields }],
    );
    return modifiedCount === 1;
  }
}
