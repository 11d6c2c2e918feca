import type { ReconcileReport } from '../../src/contracts/activities';
import type { Backlog } from '../../src/store/backlog';
import type { ProjectPosition, SearchPosition } from '../../src/store/search-positions';
import type { Run } from './run';

/** Looked at together: projects at most, and things of all of them. */
const ROUND = 200;
/**
 * Of those at a time, as many as Temporal takes without getting slow, since all others wait for it then:
 * fewer when some took longer than this, more when none did.
 */
const MAX_PARALLEL = 20;
const SLOW_MS = 500;
/** Ids in one question for what runs. */
const LISTED = 100;
/** What was under way, or could not be started, is looked at again after this. */
const AGAIN_MS = 20_000;
/** What could not be started at first, sooner: Temporal may have been slow to answer. */
const FAILED_MS = 2000;

interface Searchable {
  _id: string;
  projectId: string;
}

/** What is looked for, and what is done with what is found. */
export interface Quest<T extends Searchable> {
  kind: keyof ReconcileReport;
  backlog: (run: Run) => Backlog<T>;
  /** How far behind it must be. */
  graceMs: number;
  /** Between two looks when there is nothing to start. */
  everyMs: number;
  workflowIdOf: (id: string) => string;
  /** Starts it, unless a workflow is found to run it: then it is looked whether that gets on. */
  fix: (run: Run, found: T) => Promise<boolean>;
}

/** One project's part of a round. */
interface Page<T> {
  projectId: string;
  position: ProjectPosition;
  /** Those that have not been looked at before. */
  fresh: T[];
  /** Those that are looked at again; null: it is not their time. */
  older: T[] | null;
  /** There is none behind the last of `older`. */
  isThrough: boolean;
}

interface Visited {
  fixed: number;
  /** Ids. */
  failed: Set<string>;
}

/**
 * Looks through a backlog, fair by project: each that has something has its turn before any has another.
 * There, what has not been looked at before comes first; what was under way or could not be started then is
 * looked at again from time to time, from the beginning. So neither a long queue nor what can't be started
 * keeps what is lost from being found.
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

  /** Goes on where the search of the run before has ended, until the end of this one. */
  async work(): Promise<void> {
    const { run, quest } = this;
    const { searchPositions } = run.deps.store;
    if (!run.isOnce) this.position = await searchPositions.load(quest.kind);
    let saved = '';
    for (;;) {
      const hasMore = await this.look();
      run.tell();
      const position = JSON.stringify(this.position);
      if (!run.isOnce && position !== saved) await searchPositions.save(this.position);
      saved = position;
      const goesOn = hasMore ? run.goesOn() : !run.isOnce && (await run.pause(quest.everyMs));
      if (!goesOn) return;
    }
  }

  /**
   * Goes round the projects once.
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
      const limit = Math.max(1, Math.floor(ROUND / Math.max(1, projectIds.length)));
      const pages: Page<T>[] = [];
      for (const projectId of projectIds) {
        if (!run.goesOn()) return false;
        pages.push(await this.pageOf(projectId, before, limit));
      }
      const visited = await this.visit(pages);
      if (!visited) return false;
      for (const page of pages) of[page.projectId] = this.positionAfter(page, visited);
      Object.assign(position.of, of);
      hasMore ||= visited.fixed > 0 || pages.some(({ fresh }) => fresh.length === limit);
      position.project = projectIds.length < ROUND ? '' : projectIds.at(-1)!;
    } while (position.project !== '');
    // Projects that have nothing any more are left out.
    if (isWhole) position.of = of;
    return hasMore;
  }

  private async pageOf(projectId: string, before: Date, limit: number): Promise<Page<T>> {
    const position = this.position.of[projectId] ?? { seen: null, ...this.againIn(AGAIN_MS) };
    const fresh = await this.backlog.list(projectId, { after: position.seen, before }, limit);
    if (!position.seen || position.againAt > this.run.now()) {
      return { projectId, position, fresh, older: null, isThrough: false };
    }
    // Some in any case, however much is new.
    const room = Math.max(limit - fresh.length, Math.ceil(limit / 10));
    const range = { after: position.again, upTo: position.seen, before };
    const older = await this.backlog.list(projectId, range, room);
    return { projectId, position, fresh, older, isThrough: older.length < room };
  }

  /**
   * Looks at all of some pages, one of each in turn.
   * @returns null: it was cut off, or Temporal takes nothing
   */
  private async visit(pages: readonly Page<T>[]): Promise<Visited | null> {
    const { run, quest } = this;
    const running = await this.listRunning(pages);
    const queue = inTurns(pages).filter(({ _id }) => !running.has(quest.workflowIdOf(_id)));
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
      // One thing that can't be started is passed over; that none can is another matter.
      if (visited.failed.size > 0 && !(await run.isTemporalUsable())) return null;
    }
    return run.goesOn() ? visited : null;
  }

  /** Ids of workflows that run what is new there: most of it, when workers are slow, and cheaply found out. */
  private async listRunning(pages: readonly Page<T>[]): Promise<Set<string>> {
    const running = new Set<string>();
    if (this.run.isOnce) return running;
    const ids = pages.flatMap(({ fresh }) => fresh.map(({ _id }) => this.quest.workflowIdOf(_id)));
    for (let at = 0; at < ids.length && this.run.goesOn(); at += LISTED) {
      const found = await this.run.deps.engine.listRunning(ids.slice(at, at + LISTED));
      for (const id of found) running.add(id);
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

/** The first of each page, the second of each, and so on. */
function inTurns<T>(pages: readonly Pick<Page<T>, 'fresh' | 'older'>[]): T[] {
  const all = pages.map(({ fresh, older }) => [...fresh, ...(older ?? [])]);
  const longest = Math.max(0, ...all.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) =>
    all.flatMap((page) => page.slice(at, at + 1)),
  ).flat();
}
