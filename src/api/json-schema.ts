import vm from 'node:vm';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import type { FieldProblem } from '../contracts/errors';
import { compilePattern } from '../domain/filter-pattern';
import type { Payload } from '../domain/json-text';
import { useOwnKeywords, withLargeIntegers } from './json-schema-keywords';
import { bound, kindOf } from './messages';
import { isDeeperThan } from './validation';

/* JSON Schemas that projects bring: checked at the door, compiled, and kept from taking long. */

/** Characters of a schema, or a sample, as JSON. */
export const MAX_SCHEMA_LENGTH = 32 * 1024;
/** Objects and lists inside each other. */
export const MAX_SCHEMA_DEPTH = 32;
const MAX_PROBLEMS = 50;

/** Milliseconds for compiling a schema; usual ones take a few. */
const COMPILE_TIMEOUT_MS = 2000;
/** Milliseconds for one event's data; usual ones take less than one. Nothing else runs meanwhile. */
const VALIDATE_TIMEOUT_MS = 250;
/** Characters of the schemas whose validators are kept. */
const CACHED_LENGTH = 4 * 1024 * 1024;

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

const validators = new LRUCache<string, ValidateFunction>({
  maxSize: CACHED_LENGTH,
  sizeCalculation: (_validate, schema) => schema.length,
});

const meta = new Ajv2020({ strict: false, logger: false });
useOwnKeywords(meta);

/** Patterns by RE2, as filters' are: a schema's pattern may not backtrack either. */
const regExp = Object.assign(
  (pattern: string) => {
    const compiled = compilePattern(pattern, '');
    return {
      test: (text: string): boolean => compiled.test(text),
      // By this ajv tells one pattern from another, and compiles equal ones once.
      toString: () => pattern,
    };
  },
  // For validators that are printed as code; ours never are.
  { code: 'regExp' },
);

/** For `unevaluatedProperties`, what every object inherits would be evaluated. */
function withOwnProperties(code: string): string {
  return code.replaceAll(/!(props\d+)\[(key\d+)\]/g, '!Object.hasOwn($1, $2)');
}

/** Keywords that only describe: extensions by ajv's rule for names, and OpenAPI's. */
const ANNOTATION = /^(x-[a-z0-9_$:-]+|example|externalDocs)$/i;

/** Keywords whose values are data, whatever is in them, and those whose values name schemas. */
const DATA = /^(const|enum|default|examples)$/;
const SCHEMAS = /^(properties|patternProperties|dependentSchemas|\$defs|definitions)$/;

/** All that is in a schema, outermost first. */
function* entriesOf(
  node: unknown,
  path: readonly string[],
): Generator<{ key: string; value: unknown; at: readonly string[] }> {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    const at = [...path, key];
    yield { key, value, at };
    if (!DATA.test(key) || SCHEMAS.test(path.at(-1) ?? '')) yield* entriesOf(value, at);
  }
}

/** An instance for each schema: what one declares isn't there for another, and goes with it. */
function compile(schema: object): ValidateFunction {
  const annotations = new Set<string>();
  const formats = new Set<string>();
  for (const { key, value } of entriesOf(schema, [])) {
    if (ANNOTATION.test(key)) annotations.add(key);
    if (key === 'format' && typeof value === 'string') formats.add(value);
  }
  const ajv = new Ajv2020({
    allErrors: true,
    // What it doesn't know, it refuses: a misspelt keyword would let everything pass.
    strictSchema: true,
    // One of the dialect's own that ajv resolves, but calls unknown.
    keywords: ['$anchor', ...annotations],
    strictTypes: false,
    strictTuples: false,
    ownProperties: true,
    inlineRefs: false,
    validateSchema: false,
    meta: false,
    logger: false,
    code: { regExp, process: withOwnProperties },
  });
  addFormats(ajv);
  useOwnKeywords(ajv);
  // A format that nobody knows is a remark, as the dialect says.
  for (const format of formats) {
    if (!Object.hasOwn(ajv.formats, format)) ajv.addFormat(format, true);
  }
  return ajv.compile(schema);
}

const sandbox: { work: () => unknown } = { work: () => undefined };
const context = vm.createContext(sandbox);
const script = new vm.Script('work()');

/**
 * Runs `work`, cut off after `timeoutMs`. References let a small schema multiply the work, so no figure
 * of the schema bounds it; only the clock does.
 * @throws Error ERR_SCRIPT_EXECUTION_TIMEOUT, and what `work` throws
 */
function within<T>(timeoutMs: number, work: () => T): T {
  sandbox.work = work;
  return script.runInContext(context, { timeout: timeoutMs }) as T;
}

/** What is wrong with a schema that a caller brings, by paths such as `schema.properties.id.type`. */
export function schemaProblems(schema: Record<string, unknown>): FieldProblem[] {
  const tooLarge = sizeProblem(schema, JSON.stringify(schema), 'schema');
  if (tooLarge) return [tooLarge];
  const forbidden = [...forbiddenKeywords(schema)];
  if (forbidden.length > 0) return forbidden;
  if (meta.validateSchema(schema) !== true) return problemsOfErrors(meta.errors, ['schema']);
  try {
    within(COMPILE_TIMEOUT_MS, () => compile(schema));
    return [];
  } catch (error) {
    return [unusable(schema, error as Error & { missingRef?: string })];
  }
}

/** Why ajv can't use a schema, at the keyword that it means where that can be told. */
function unusable(
  schema: object,
  { message, missingRef }: Error & { missingRef?: string },
): FieldProblem {
  const unknown = /unknown keyword: "(.+)"/.exec(message)?.[1];
  for (const { key, value, at } of entriesOf(schema, ['schema'])) {
    const field = at.join('.');
    if (key === unknown && at.at(-2) !== 'properties') {
      return { field, message: 'is not a keyword of JSON Schema 2020-12; your own begin with x-' };
    }
    if (missingRef !== undefined && /^\$(dynamicRef|ref)$/.test(key) && value === missingRef) {
      return { field, message: 'refers to what is not there' };
    }
  }
  return { field: 'schema', message: `cannot be used: ${message}` };
}

/** The bounds that a schema and a sample share. */
export function sizeProblem(value: unknown, json: string, field: string): FieldProblem | null {
  if (isDeeperThan(MAX_SCHEMA_DEPTH, value)) {
    return { field, message: `must not be nested deeper than ${MAX_SCHEMA_DEPTH}` };
  }
  return json.length > MAX_SCHEMA_LENGTH
    ? { field, message: `must not be longer than ${MAX_SCHEMA_LENGTH} characters of JSON` }
    : null;
}

/** Keywords that would reach outside the schema, or make it something else than a check. */
function* forbiddenKeywords(schema: object): Generator<FieldProblem> {
  for (const { key, value, at } of entriesOf(schema, ['schema'])) {
    const field = at.join('.');
    if ((key === '$ref' || key === '$dynamicRef') && typeof value === 'string') {
      if (!value.startsWith('#')) yield { field, message: 'must refer into this schema: #…' };
    } else if (key === '$schema' && typeof value === 'string') {
      if (value.replace(/#$/, '') !== DIALECT) yield { field, message: `must be ${DIALECT}` };
    } else if ((key === '$id' && typeof value === 'string') || key === '$async') {
      yield { field, message: 'is not allowed here' };
    }
  }
}

/**
 * What is wrong with `data` by a schema that `schemaProblems` found nothing in.
 * @param schema as JSON
 * @param at where the data stands in the request
 */
export function dataProblems(
  schema: string,
  { value, largeIntegers }: Payload,
  at: readonly string[],
): FieldProblem[] {
  try {
    const validate =
      validators.get(schema) ??
      within(COMPILE_TIMEOUT_MS, () => compile(JSON.parse(schema) as object));
    validators.set(schema, validate);
    const isValid = withLargeIntegers(largeIntegers, () =>
      within(VALIDATE_TIMEOUT_MS, () => validate(value)),
    );
    return isValid ? [] : problemsOfErrors(validate.errors, at);
  } catch (error) {
    if (!isOutOfBounds(error)) throw error;
    const message = 'could not be checked: by its schema that takes too long, or never ends';
    return [{ field: at.join('.'), message }];
  }
}

/** A timeout, or a stack that overflowed. By names: `instanceof` ends at a vm context's border. */
function isOutOfBounds(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' || name === 'RangeError';
}

/** ajv's errors, each named by the field that is wrong, missing or too much. */
function problemsOfErrors(
  errors: readonly ErrorObject[] | null | undefined,
  at: readonly string[],
): FieldProblem[] {
  const problems = new Map<string, FieldProblem>();
  for (const error of errors ?? []) {
    if (problems.size === MAX_PROBLEMS) break;
    const problem = problemOf(error, at);
    problems.set(JSON.stringify(problem), problem);
  }
  return [...problems.values()];
}

function problemOf(
  { instancePath, keyword, params, message }: ErrorObject,
  at: readonly string[],
): FieldProblem {
  const pointer = instancePath
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  const field = (name?: unknown): string =>
    [...at, ...pointer, ...(typeof name === 'string' ? [name] : [])].join('.');
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return { field: field(params.missingProperty), message: 'is required' };
    case 'additionalProperties':
      return { field: field(params.additionalProperty), message: 'is not a known field here' };
    case 'unevaluatedProperties':
      return { field: field(params.unevaluatedProperty), message: 'is not a known field here' };
    case 'propertyNames':
      return { field: field(params.propertyName), message: 'is not a valid field name here' };
    case 'type':
      return {
        field: field(),
        message: `must be ${[params.type].flat().map(kindOf).join(' or ')}`,
      };
    case 'minItems':
    case 'maxItems':
    case 'minLength':
    case 'maxLength':
      return {
        field: field(),
        message: bound(
          keyword.endsWith('Items') ? 'array' : 'string',
          keyword.startsWith('min') ? 'at least' : 'at most',
          params.limit as number,
        ),
      };
    default:
      return { field: field(), message: message ?? `breaks ${keyword}` };
  }
}
