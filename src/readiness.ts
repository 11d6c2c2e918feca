import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { clock } from './clock';
import type { Config } from './config/config';
import { MINUTE_MS } from './domain/durations';
import { causeOf } from './reachability';
import type { Cipher } from './store/cipher';
import { isStoreUnavailable, isTooSlow } from './store/errors';
import { whyForbidden } from './store/fitness';
import type { Store } from './store/store';
import { findUnreadable } from './store/unreadable';
import type { Engine } from './temporal/engine';
import { readOnly, whyUnfit } from './temporal/fitness';
import { Trouble } from './trouble';

/** Milliseconds between checks: until everything is ready, and from then on. */
const LOOK_EVERY_MS = 1000;
const WATCH_EVERY_MS = 5000;
/** Milliseconds after which what costs more is checked again, even if nothing has failed. */
const FULL_LOOK_EVERY_MS = MINUTE_MS;

const RUN_SETUP = 'run setup (node dist/src/main.js setup)';

/** What is wrong with Temporal, and what of it `setup` has still to do. */
interface Found {
  trouble: string | null;
  /** Undefined: Temporal did not say. */
  missing: string | null | undefined;
}

/**
 * Whether this process may work: what `setup` creates exists, MongoDB is one that keeps what it confirms, and
 * this process has the keys of most of what is encrypted there.
 * Checks until that is so, and keeps checking, so that the log says, in one line each, when and why MongoDB
 * or Temporal can't be used or this machine's clock is wrong, and when that is over.
 */
export class Readiness {
  /** Why no work is accepted: `setup` has not run, as far as this process knows; null once it has. */
  unready: string | null = 'it has not been checked yet whether MongoDB and Temporal are set up';
  /** What `setup` creates in Temporal and is not there, as the last check found; null: nothing is known. */
  missing: string | null = null;
  /** Resolves when everything that a worker needs is there; never if stopped before. */
  readonly complete: Promise<void>;
  private tellComplete!: () => void;
  private readonly stopped = new AbortController();
  private readonly mongodb: Trouble;
  private readonly temporal: Trouble;
  private readonly clock: Trouble;
  private readonly encryption: Trouble;
  private isStoreSetUp = false;
  private isEngineSetUp = false;
  private isReadable = false;
  /** What Temporal lacked when it last said so. */
  private lacked: string | null = null;
  private lookedInFullAt = -Infinity;
  private decryptedAt = -Infinity;

  constructor(
    private readonly config: Pick<Config, 'role' | 'temporal'>,
    private readonly log: Logger,
    private readonly store: Store,
    private readonly engine: Engine,
    private readonly cipher: Cipher,
  ) {
    this.mongodb = new Trouble(log, 'MongoDB can be used again');
    this.temporal = new Trouble(log, 'Temporal can be used again');
    this.clock = new Trouble(log, 'the clock of this machine is right again');
    this.encryption = new Trouble(log, 'what is encrypted can be decrypted again');
    this.complete = new Promise((resolve) => (this.tellComplete = resolve));
  }

  /** Checks repeatedly until stopped. Resolves after the first check. */
  async start(): Promise<void> {
    await this.look();
    void this.watch();
  }

  stop(): void {
    this.stopped.abort();
  }

  /** What is wrong, as far as is known; null when nothing is. */
  get trouble(): string | null {
    return (
      this.unready ?? this.mongodb.told ?? this.temporal.told ?? this.clock.told ?? this.unreadable
    );
  }

  /** The same, having asked Temporal whether it takes anything new. */
  async ask(): Promise<string | null> {
    if (this.trouble === null && !(await this.engine.acceptsNew())) await this.look();
    return this.trouble;
  }

  /** Why MongoDB can't be used, as the last check found. */
  get unfit(): string | null {
    return this.mongodb.told;
  }

  /** Why this process's worker waits for its encryption keys; null: it has none, or doesn't wait. */
  get unreadable(): string | null {
    return this.config.role === 'api' || this.isReadable ? null : this.encryption.told;
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopped;
    for (;;) {
      const everyMs = this.isComplete ? WATCH_EVERY_MS : LOOK_EVERY_MS;
      await sleep(everyMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await this.look();
    }
  }

  private async look(): Promise<void> {
    const [store, engine] = await Promise.all([this.lookAtStore(), this.lookAtEngine()]);
    if (store === null && this.isDecryptionDue) await this.lookAtEncryption();
    if (this.stopped.signal.aborted) return;
    this.mongodb.is(store);
    this.temporal.is(engine.trouble);
    this.clock.is(clock.trouble);
    this.isStoreSetUp ||= store === null;
    this.missing = engine.missing ?? null;
    if (engine.missing !== undefined) this.lacked = engine.missing;
    // Whoever has accepted events goes on accepting, even if Temporal turns out to lack what `setup` creates there.
    if (this.unready !== null) this.unready = this.isStoreSetUp ? this.lacked : store;
    if (this.isComplete) this.tellComplete();
  }

  private get isComplete(): boolean {
    return this.isStoreSetUp && this.isEngineSetUp && this.isReadable;
  }

  /** At every look, since others may encrypt with a key that this process lacks; but a few lost keys cost a count. */
  private get isDecryptionDue(): boolean {
    const isCostly = this.isReadable && this.encryption.told !== null;
    return !isCostly || performance.now() - this.decryptedAt >= FULL_LOOK_EVERY_MS;
  }

  private async lookAtEncryption(): Promise<void> {
    try {
      const found = await findUnreadable(this.store, this.cipher);
      this.isReadable = !found?.isMost;
      this.encryption.is(found?.message ?? null);
      this.decryptedAt = performance.now();
    } catch (err) {
      // If MongoDB fails, its own check says so the next time.
      const isTold = isStoreUnavailable(err) || isTooSlow(err) || this.stopped.signal.aborted;
      if (!isTold) this.log.error({ err }, 'encryption keys can not be checked');
    }
  }

  private async lookAtStore(): Promise<string | null> {
    try {
      const unfit = await this.store.whyUnfit();
      if (unfit !== null) return unfit;
      await this.store.readClock();
      if (this.isStoreSetUp) return null;
      const missing = await this.store.whatIsMissing();
      if (missing === null) await this.store.horizon.start();
      return missing && `${missing}; ${RUN_SETUP}`;
    } catch (error) {
      return whyForbidden(error) ?? `MONGODB_URL: MongoDB fails: ${causeOf(error)}`;
    }
  }

  private async lookAtEngine(): Promise<Found> {
    const { engine, config } = this;
    try {
      const isDue = this.isFullLookDue;
      const found = await engine.whatIsMissing({ onlyNamespace: this.isEngineSetUp });
      if (found !== null) return lacking(found);
      if (!this.isEngineSetUp) this.lookedInFullAt = performance.now();
      this.isEngineSetUp = true;
      // Asked for each time, an idle system would do little else.
      const isAccepting = engine.writes.isProven || (await engine.acceptsNew());
      if (!isAccepting) return { trouble: readOnly(config.temporal), missing: null };
      return isDue ? await this.lookInFull() : { trouble: null, missing: null };
    } catch (error) {
      return { trouble: await whyUnfit(config.temporal, error), missing: undefined };
    }
  }

  /** Temporal may lose its data while this process runs, and one that is set up otherwise answers all the same. */
  private get isFullLookDue(): boolean {
    if (!this.isEngineSetUp) return false;
    const isSuspect = this.temporal.told !== null || !this.engine.writes.isProven;
    return isSuspect || performance.now() - this.lookedInFullAt >= FULL_LOOK_EVERY_MS;
  }

  private async lookInFull(): Promise<Found> {
    try {
      const found = await this.engine.whatIsMissing();
      if (found !== null) return lacking(found);
      this.lookedInFullAt = performance.now();
      return { trouble: null, missing: null };
    } catch {
      // It answers, and takes what is new: one that is too busy for this is asked again.
      return { trouble: this.missing, missing: this.missing };
    }
  }
}

function lacking(what: string): Found {
  const missing = `${what}; ${RUN_SETUP}`;
  return { trouble: missing, missing };
}
