import type { FieldProblem } from '../../contracts/errors';

/** How many are told of what is wrong with a request; the rest is counted. */
export const MAX_PROBLEMS = 50;
/** Characters of each name in a problem's field. */
const MAX_NAME_LENGTH = 100;

/** What is wrong with a request: so many that can be read, and how many more there are. */
export interface Found {
  problems: readonly FieldProblem[];
  /** Infinity: some more, which nobody has counted. */
  more: number;
}

/** A field by its path. */
export function fieldAt(path: readonly (string | number)[]): string {
  return path.map((name) => String(name).slice(0, MAX_NAME_LENGTH).toWellFormed()).join('.');
}

/** Takes what is wrong as it is found: beyond what is told, nothing is made but a number. */
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

  /** So much of it as there is room for, or at least so many. */
  cut({ problems, more }: Found, atLeast = 0): Found {
    const told = problems.slice(0, Math.max(this.left, atLeast));
    return { problems: told, more: problems.length - told.length + more };
  }
}

export function isFine({ problems, more }: Found): boolean {
  return problems.length === 0 && more === 0;
}
