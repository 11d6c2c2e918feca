import type { FieldProblem } from '../contracts/errors';
import { classSize, FilterPattern } from './filter-pattern';
import { isCondition, isLogic, isObject, isOperator } from './payload-filter';

/** Characters of the filter as JSON. */
export const MAX_FILTER_LENGTH = 4096;
/** Depth of nested objects and lists. */
export const MAX_FILTER_DEPTH = 8;
/** Conditions and values, those of `$in` included, that each value of an event may be compared with. */
export const MAX_FILTER_NODES = 200;
const MAX_PATTERN_LENGTH = 256;
/** Instructions of all patterns together (`a{100}` has 100): what each character of an event may cost. */
const MAX_PATTERN_SIZE = 1000;
/** Characters that the classes of all patterns stand for together: what compiling them may cost. */
const MAX_CLASS_SIZE = 10_000;

const MAX_PATH_LENGTH = 200;

/** Names whose order JavaScript's objects don't preserve. */
const IS_PLACE = /^(0|[1-9]\d*)$/;

type Path = readonly string[];

/**
 * Everything wrong with a caller's filter, by paths inside it (`''` is the filter itself). Allowed is
 * MongoDB's query syntax as far as it applies to JSON and can't run code or take long: every operator of
 * `Check.operators`, within the limits above.
 */
export function filterProblems(filter: unknown): FieldProblem[] {
  if (!isObject(filter)) return [{ field: '', message: 'must be an object' }];
  const tooLarge = sizeProblem(filter);
  if (tooLarge !== null) return [{ field: '', message: tooLarge }];
  const check = new Check();
  check.query(filter, []);
  return check.problems;
}

/**
 * Members that no envelope has, at the paths where a filter asks for them: it would let no event through, or
 * exclude none.
 * @param filter one in which `filterProblems` finds nothing
 * @param members of each of the project's envelopes
 */
export function missingMembers(
  filter: object,
  members: readonly string[],
  path: Path = [],
): FieldProblem[] {
  return Object.entries(filter).flatMap(([key, value]): FieldProblem[] => {
    const at = [...path, key];
    if (isLogic(key)) {
      const queries = value as object[];
      return queries.flatMap((query, n) => missingMembers(query, members, [...at, String(n)]));
    }
    if (members.includes(key.split('.')[0]!)) return [];
    const message = `must begin with a member of this project's envelope: ${members.join(', ')}`;
    return [{ field: at.join('.'), message }];
  });
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

/** Depth first: JSON.stringify would overflow the stack. */
function sizeProblem(filter: object): string | null {
  let nodes = 0;
  let level: unknown[] = [filter];
  for (let depth = 0; level.length > 0; depth += 1) {
    nodes += level.length;
    if (nodes > MAX_FILTER_NODES) return `must not have more than ${MAX_FILTER_NODES} values`;
    level = level.flatMap((value) => (isScalar(value) ? [] : Object.values(value as object)));
    if (depth > MAX_FILTER_DEPTH) return `must not be nested deeper than ${MAX_FILTER_DEPTH}`;
  }
  return JSON.stringify(filter).length > MAX_FILTER_LENGTH
    ? `must not be longer than ${MAX_FILTER_LENGTH} characters of JSON`
    : null;
}

/** One check of a filter. */
class Check {
  readonly problems: FieldProblem[] = [];
  private patternSize = 0;
  private classSize = 0;

  /** Operators of a condition, by what their operand must be. */
  private readonly operators: Record<string, (operand: unknown, path: Path) => void> = {
    $eq: (operand, path) => this.literal(operand, path),
    $ne: (operand, path) => this.literal(operand, path),
    $gt: (operand, path) => this.ordered(operand, path),
    $gte: (operand, path) => this.ordered(operand, path),
    $lt: (operand, path) => this.ordered(operand, path),
    $lte: (operand, path) => this.ordered(operand, path),
    $in: (operand, path) => this.list(operand, path, (item, at) => this.literal(item, at)),
    $nin: (operand, path) => this.list(operand, path, (item, at) => this.literal(item, at)),
    $all: (operand, path) => this.list(operand, path, (item, at) => this.literal(item, at)),
    $exists: (operand, path) =>
      this.expect(typeof operand === 'boolean', path, 'must be true or false'),
    $size: (operand, path) =>
      this.expect(
        Number.isSafeInteger(operand) && (operand as number) >= 0,
        path,
        'must be a whole number, 0 or more',
      ),
    $not: (operand, path) => this.conditions(operand, path),
    $elemMatch: (operand, path) => this.elements(operand, path),
    $regex: (operand, path) =>
      this.expect(
        typeof operand === 'string' && operand.length <= MAX_PATTERN_LENGTH,
        path,
        `must be a pattern of at most ${MAX_PATTERN_LENGTH} characters`,
      ),
    $options: (operand, path) =>
      this.expect(
        typeof operand === 'string' && /^[ims]{0,3}$/.test(operand),
        path,
        'must consist of the letters i, m and s',
      ),
  };

  /** Fields with their conditions, and `$and`, `$or`, `$nor` of more such queries. */
  query(query: unknown, path: Path): void {
    if (!isObject(query)) return this.tell(path, 'must be an object');
    for (const [key, value] of Object.entries(query)) {
      const at = [...path, key];
      if (isLogic(key)) {
        this.list(value, at, (item, where) => this.query(item, where));
      } else if (isOperator(key)) {
        this.tell(
          at,
          key in this.operators
            ? 'must be inside a field’s condition'
            : 'is not an operator of filters',
        );
      } else {
        this.field(key, at);
        if (isCondition(value)) this.conditions(value, at);
        else this.literal(value, at);
      }
    }
  }

  /** `{ $gt: 1, $lt: 5 }` */
  private conditions(conditions: unknown, path: Path): void {
    if (!isObject(conditions) || Object.keys(conditions).length === 0) {
      return this.tell(path, 'must be an object of operators');
    }
    for (const [key, operand] of Object.entries(conditions)) {
      const check = Object.hasOwn(this.operators, key) ? this.operators[key] : undefined;
      if (check) check(operand, [...path, key]);
      else this.tell([...path, key], 'is not an operator of a filter’s condition');
    }
    this.pattern(conditions, path);
  }

  /** A query for lists of objects, conditions for lists of plain values. */
  private elements(operand: unknown, path: Path): void {
    if (isCondition(operand)) this.conditions(operand, path);
    else this.query(operand, path);
  }

  private pattern(conditions: Record<string, unknown>, path: Path): void {
    const { $regex, $options = '' } = conditions;
    if ($regex === undefined) {
      const isAlone = Object.hasOwn(conditions, '$options');
      this.expect(!isAlone, [...path, '$options'], 'is only allowed with $regex');
      return;
    }
    // Reported already; a pattern that is too long isn't even compiled.
    if (this.problems.length > 0) return;
    this.classSize += classSize($regex as string);
    if (this.classSize > MAX_CLASS_SIZE) {
      const message = 'has too large or too many classes, alone or with the other patterns';
      return this.tell([...path, '$regex'], message);
    }
    try {
      this.patternSize += new FilterPattern($regex as string, $options as string).size;
    } catch (error) {
      this.tell([...path, '$regex'], `is not an RE2 pattern: ${(error as Error).message}`);
    }
    if (this.patternSize > MAX_PATTERN_SIZE) {
      this.tell([...path, '$regex'], 'is too large, alone or with the other patterns');
    }
  }

  /** JSON without operators, compared as a whole. */
  private literal(value: unknown, path: Path): void {
    if (isScalar(value)) return;
    for (const [key, inner] of Object.entries(value as object)) {
      const at = [...path, key];
      if (isObject(value)) {
        this.expect(!isOperator(key), at, 'is an operator inside a value');
        // Objects are equal only with their members in the same order, and JavaScript puts such names first.
        const keepsPlace = Object.keys(value).length === 1 || !IS_PLACE.test(key);
        this.expect(keepsPlace, at, 'is a number beside other names, whose order would be lost');
      }
      this.literal(inner, at);
    }
  }

  private field(name: string, path: Path): void {
    const segments = name.split('.');
    this.expect(
      name.length <= MAX_PATH_LENGTH && segments.every((segment) => segment !== ''),
      path,
      'must be a path such as data.to.email',
    );
  }

  private ordered(operand: unknown, path: Path): void {
    const isOrdered = typeof operand === 'string' || typeof operand === 'number';
    this.expect(isOrdered, path, 'must be text or a number');
  }

  private list(value: unknown, path: Path, check: (item: unknown, path: Path) => void): void {
    if (!Array.isArray(value) || value.length === 0) {
      return this.tell(path, 'must be a list that is not empty');
    }
    value.forEach((item, index) => check(item, [...path, String(index)]));
  }

  private expect(holds: boolean, path: Path, message: string): void {
    if (!holds) this.tell(path, message);
  }

  private tell(path: Path, message: string): void {
    this.problems.push({ field: path.join('.'), message });
  }
}
