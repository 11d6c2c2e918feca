import type { FieldProblem } from '../../contracts/errors';

/** How many problems of a request are reported; the rest are counted. */
export const MAX_PROBLEMS = 50;
/** Characters of each name in a problem's field. */
const MAX_NAME_LENGTH = 100;

/** The problems of a request: a readable number, and how many more there are. */
export interface Found {
  problems: readonly FieldProblem[];
  /** Infinity: more, but not counted. */
  more: number;
  /** For the operator's log: where a check failed because of a bug. */
  bug?: string;
}

/** A field's path. */
export function fieldAt(path: readonly (string | number)[]): string {
  return path.map((name) => String(name).slice(0, MAX_NAME_LENGTH).toWellFormed()).join('.');
}

/** Collects problems as they are found: those beyond the limit are only counted. */
export class Problems implements Found {
  readonly problems: FieldProblem[] = [];
  more = 0;

  add(path: readonly (string | number)[], message: () => string): void {
    if (this.left === 0) this.more += 1;
    else this.problems.push({ field: fieldAt(path), message: message() });
  }

  addAll(found: Found): void {
    const { problems, more } = this.cut(found);
    this.problems.push(...problems);
    this.more += more;
  }

  private get left(): number {
    return MAX_PROBLEMS - this.problems.length;
  }

  /** As many of them as there is room for, or at least this number. */
  cut({ problems, more }: Found, atLeast = 0): Found {
    const told = problems.slice(0, Math.max(this.left, atLeast));
    return { problems: told, more: problems.length - told.length + more };
  }
}

export function isFine({ problems, more }: Found): boolean {
  return problems.length === 0 && more === 0;
}
