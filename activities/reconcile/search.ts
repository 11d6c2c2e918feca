import type { ReconcileReport } from '../../src/contracts/activities';
import { END_OF_TIME, type Backlog } from '../../src/store/backlog';
import type { ProjectPosition, SearchPosition } from '../../src/store/search-positions';
import type { Run } from './run';

/** Maximum numbers of projects and of items checked together. */
const ROUND = 200;
/**
 * Concurrency: as many as Temporal handles without getting slow, which would delay everything else: fewer if
 * some took longer than this, more if none did.
 */
const MAX_PARALLEL = 20;
const SLOW_MS = 500;
/** Ids in one query for what runs. */
const LISTED = 100;
/** What was in progress, or could not be started, is checked again after this. */
const AGAIN_MS = 20_000;
/** Sooner for what could not be started the first time: Temporal may have been slow to answer. */
const FAILED_MS = 2000;

export interface Searchable {
  _id: string;
  projectId: string;
}

/** What to look for, and what to do with it. */
export interface Quest<T extends Searchable> {
  kind: keyof ReconcileReport;
  backlog: (run: Run) => Backlog<T>;
  /** How overdue it must be. */
  graceMs: number;
  /** Its time has passed, unless MongoDB's clock was set back since. */
  isPast?: boolean;
  /** Between two checks when there is nothing to start. */
  everyMs: number;
  /** Missing: it has no workflow. */
  workflowIdOf?: (id: string) => string;
  /** Starts it, unless a running workflow is found: then its progress is checked. */
  fix: (run: Run, found: T) => Promise<boolean>;
}

/** One project's part of a round. */
interface Page<T> {
  projectId: string;
  position: ProjectPosition;
  /** Those that have not been checked before. */
  fresh: T[];
  /** Those that are checked again; null: not due. */
  older: T[] | null;
  /** There is none after the last of `older`. */
  isThrough: boolean;
}

interface Visited {
  fixed: number;
  /** Ids. */
  failed: Set<string>;
}

/**
 * Searches a backlog, fairly by project: each with something gets its turn before any gets another. Within a
 * project, what has not been checked before comes first; what was in progress or could not be started is
 * checked again from time to time, from the beginning. So neither a long queue nor items that can't be
 * started hide what is lost.
 */
export class Search<T extends Searchable> {
  private readonly backlog: Backlog<T>;
  private position: SearchPosition;
  private parallel = MAX_PARALLEL / 4;

  constructor(
    private readonly run: Run,
    private readonly quest: Quest<T>,
  ) {
    this.backlog = quest.backlog(run);
    this.position = { _id: quest.kind, project: '', of: {} };
  }

  /** Continues where the previous run's search has ended, until the end of this one. */
  async work(): Promise<void> {
    const { run, quest } = this;
    const { searchPositions } = run.deps.store;
    if (!run.isOnce) this.position = await searchPositions.load(quest.kind);
    let saved = '';
    for (;;) {
      const found = [await this.look(), await this.lookAhead()];
      run.tell();
      const position = JSON.stringify(this.position);
      if (!run.isOnce && position !== saved) await searchPositions.save(this.position);
      saved = position;
      const goesOn = found.includes(true)
        ? run.goesOn()
        : !run.isOnce && (await run.pause(quest.everyMs));
      if (!goesOn) return;
    }
  }

  /**
   * Goes through the projects once.
   * @returns whether there is more to do at once
   */
  private async look(): Promise<boolean> {
    const { run, backlog, position } = this;
    const before = run.before(this.quest.graceMs);
    const of: SearchPosition['of'] = {};
    const isWhole = position.project === '';
    let hasMore = false;
    do {
      const projectIds = await backlog.listProjects(position.project, before, ROUND);
      const limit = limitFor(projectIds);
      const pages: Page<T>[] = [];
      for (const some of run.some(projectIds)) {
        const read = some.map((projectId) => this.pageOf(projectId, before, limit));
        pages.push(...(await Promise.all(read)));
      }
      const visited = await this.visit(pages);
      if (!visited) return false;
      for (const page of pages) of[page.projectId] = this.positionAfter(page, visited);
      Object.assign(position.of, of);
      hasMore ||= visited.fixed > 0 || pages.some(({ fresh }) => fresh.length === limit);
      position.project = projectIds.length < ROUND ? '' : projectIds.at(-1)!;
    } while (position.project !== '');
    // Projects with nothing left are dropped.
    if (isWhole) position.of = of;
    return hasMore;
  }

  /**
   * Checks what has a time from before MongoDB's clock was set back: otherwise it would be found only when that time
   * comes again.
   * @returns whether there may be more to do at once
   */
  private async lookAhead(): Promise<boolean> {
    const { run, backlog } = this;
    if (!this.quest.isPast) return false;
    const range = { after: { at: run.ahead(), id: '' }, before: END_OF_TIME };
    const projectIds = await backlog.listProjects('', range.after.at, ROUND, '$gt');
    const pages: Pick<Page<T>, 'fresh' | 'older'>[] = [];
    for (const projectId of projectIds) {
      if (!run.goesOn()) return false;
      const limit = limitFor(projectIds);
      pages.push({ fresh: await backlog.list(projectId, range, limit), older: null });
    }
    const visited = await this.visit(pages);
    return visited !== null && visited.fixed > 0;
  }

  private async pageOf(projectId: string, before: Date, limit: number): Promise<Page<T>> {
    const position = this.positionOf(projectId);
    const fresh = await this.backlog.list(projectId, { after: position.seen, before }, limit);
    if (!position.seen || position.againAt > this.run.now()) {
      return { projectId, position, fresh, older: null, isThrough: false };
    }
    // Always some, however much is new.
    const room = Math.max(limit - fresh.length, Math.ceil(limit / 10));
    const range = { after: position.again, upTo: position.seen, before };
    const older = await this.backlog.list(projectId, range, room);
    return { projectId, position, fresh, older, isThrough: older.length < room };
  }

  private positionOf(projectId: string): ProjectPosition {
    const stored = this.position.of[projectId];
    // One from before MongoDB's clock was set back would hide what comes now until the clock is there again.
    const latestMs = this.run.now().getTime() + 2 * AGAIN_MS;
    if (stored && stored.againAt.getTime() <= latestMs) return stored;
    return { seen: null, ...this.againIn(AGAIN_MS) };
  }

  /**
   * Checks all items of some pages, one of each in turn.
   * @returns null: it was interrupted, or Temporal accepts nothing
   */
  private async visit(pages: readonly Pick<Page<T>, 'fresh' | 'older'>[]): Promise<Visited | null> {
    const { run, quest } = this;
    const running = await this.listRunning(pages);
    const queue = inTurns(pages).filter(({ _id }) => !running.has(_id));
    const visited: Visited = { fixed: 0, failed: new Set() };
    while (queue.length > 0) {
      if (!run.goesOn()) return null;
      const startedAt = performance.now();
      await Promise.all(
        queue.splice(0, this.parallel).map(async (found) => {
          if (!run.goesOn()) return;
          const outcome = await run.fix(quest.kind, found._id, () => quest.fix(run, found));
          if (outcome === 'fixed') visited.fixed += 1;
          if (outcome === 'failed') visited.failed.add(found._id);
        }),
      );
      const isSlow = performance.now() - startedAt > SLOW_MS;
      this.parallel = isSlow
        ? Math.ceil(this.parallel / 2)
        : Math.min(MAX_PARALLEL, this.parallel + 1);
      // One item that can't be started is skipped; if none can, that's different.
      if (visited.failed.size > 0 && !(await run.isTemporalUsable())) return null;
    }
    return run.goesOn() ? visited : null;
  }

  /** Ids of new items with a running workflow: a cheap check, and most of them if workers are slow. */
  private async listRunning(pages: readonly Pick<Page<T>, 'fresh'>[]): Promise<Set<string>> {
    const { run, quest } = this;
    const running = new Set<string>();
    const { workflowIdOf } = quest;
    if (run.isOnce || !workflowIdOf) return running;
    const ids = pages.flatMap(({ fresh }) => fresh.map(({ _id }) => _id));
    for (let at = 0; at < ids.length && run.goesOn(); at += LISTED) {
      const some = ids.slice(at, at + LISTED);
      const found = await run.deps.engine.listRunning(some.map(workflowIdOf));
      for (const id of some) if (found.has(workflowIdOf(id))) running.add(id);
    }
    return running;
  }

  private positionAfter(
    { position, fresh, older, isThrough }: Page<T>,
    { failed }: Visited,
  ): ProjectPosition {
    const last = fresh.at(-1);
    const seen = last ? this.backlog.markOf(last) : position.seen;
    if (older && !isThrough)
      return { ...position, seen, again: this.backlog.markOf(older.at(-1)!) };
    if (fresh.some(({ _id }) => failed.has(_id))) return { seen, ...this.againIn(FAILED_MS) };
    return older ? { seen, ...this.againIn(AGAIN_MS) } : { ...position, seen };
  }

  /** From the beginning. */
  private againIn(ms: number): Pick<ProjectPosition, 'again' | 'againAt'> {
    return { again: null, againAt: new Date(this.run.now().getTime() + ms) };
  }
}

/** The limit for each of those projects in a round. */
const limitFor = ({ length }: readonly string[]): number =>
  Math.max(1, Math.floor(ROUND / Math.max(1, length)));

/** The first of each page, the second of each, and so on. */
function inTurns<T>(pages: readonly Pick<Page<T>, 'fresh' | 'older'>[]): T[] {
  const all = pages.map(({ fresh, older }) => [...fresh, ...(older ?? [])]);
  const longest = Math.max(0, ...all.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) =>
    all.flatMap((page) => page.slice(at, at + 1)),
  ).flat();
}
