import { SECOND_MS } from '../../domain/durations';
import type { StreamReader } from './reader';

/** Projects for which it is looked up at the same time, for one reader each. */
const AT_A_TIME = 4;

type Latecomer = Pick<StreamReader, 'projectId' | 'isBehind' | 'reload'>;

interface Waiting {
  lookUp: () => Promise<void>;
  timer: NodeJS.Timeout;
}

/**
 * The readers that wait until what they have missed is looked up. Projects take turns, and so do the readers of
 * each; a reader that goes leaves the line.
 */
export class CatchingUp {
  /** A reader that has waited this long loads its lists instead. */
  static readonly waitMs: number = 5 * SECOND_MS;
  /** By project: the next one's turn comes first. */
  private readonly lines = new Map<string, Map<Latecomer, Waiting>>();
  /** Projects for which it is being looked up. */
  private readonly underWay = new Set<string>();

  /** @param lookUp does not reject */
  join(reader: Latecomer, lookUp: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.leave(reader);
      if (reader.isBehind) reader.reload('busy');
    }, CatchingUp.waitMs).unref();
    const line = this.lines.get(reader.projectId) ?? new Map<Latecomer, Waiting>();
    this.lines.set(reader.projectId, line.set(reader, { lookUp, timer }));
    this.next();
  }

  leave(reader: Latecomer): void {
    const line = this.lines.get(reader.projectId);
    clearTimeout(line?.get(reader)?.timer);
    line?.delete(reader);
    if (line?.size === 0) this.lines.delete(reader.projectId);
  }

  private next(): void {
    for (const [projectId, line] of this.lines) {
      if (this.underWay.size >= AT_A_TIME) return;
      if (this.underWay.has(projectId)) continue;
      const [reader] = line.keys();
      const { lookUp } = line.get(reader!)!;
      this.leave(reader!);
      this.underWay.add(projectId);
      void lookUp().finally(() => this.ended(projectId));
    }
  }

  private ended(projectId: string): void {
    this.underWay.delete(projectId);
    const line = this.lines.get(projectId);
    // Its next reader's turn comes after those of all others.
    if (line && this.lines.delete(projectId)) this.lines.set(projectId, line);
    this.next();
  }
}
