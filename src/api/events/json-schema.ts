import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import type { FieldProblem } from '../../contracts/errors';
import { compilePattern } from '../../domain/filter-pattern';
import type { Payload } from '../../domain/json-text';
import { ADDRESS_ALONE } from '../../domain/mailbox';
import { useOwnKeywords, withLargeIntegers } from './json-schema-keywords';
import { bound, kindOf } from '../http/messages';
import { fieldAt, Problems, type Found } from '../http/problems';
import { isDeeperThan } from '../http/validation';

/*
 * Projects' JSON Schemas: checked on definition, and compiled. References let a small schema multiply the
 * work, so no property of the schema limits it: all of this runs in processes that are killed if they take
 * too long (src/tenant-cpu).
 */

/** Characters of a schema, or a sample, as JSON. */
const MAX_SCHEMA_LENGTH = 32 * 1024;
/** Depth of nested objects and lists. */
const MAX_SCHEMA_DEPTH = 32;
/** Errors that ajv keeps of one check: some are duplicates, and 50 are reported. */
const MAX_ERRORS = 100;
/** Characters of a problem's message: some contain a schema's own values and patterns. */
const MAX_MESSAGE_LENGTH = 500;

/** Cached validators, and the characters of their schemas: some hundred kilobytes each. */
const CACHED = 200;
const CACHED_LENGTH = 1024 * 1024;

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

const validators = new LRUCache<string, ValidateFunction>({
  max: CACHED,
  maxSize: CACHED_LENGTH,
  sizeCalculation: (_validate, schema) => schema.length,
});

const meta = new Ajv2020({ strict: false, logger: false });
useOwnKeywords(meta);

/** Patterns use RE2, like those of filters: a schema's pattern may not backtrack either. */
const regExp = Object.assign(
  (pattern: string) => {
    const compiled = compilePattern(pattern, '');
    return {
      test: (text: string): boolean => compiled.test(text),
      // ajv uses this to compile equal patterns once.
      toString: () => pattern,
    };
  },
  // For validators that are generated as code; ours never are.
  { code: 'regExp' },
);

/** Otherwise `unevaluatedProperties` would count inherited properties as evaluated. */
function withOwnProperties(code: string): string {
  return code.replaceAll(/!(props\d+)\[(key\d+)\]/g, '!Object.hasOwn($1, $2)');
}

/** Where a validator's code adds an error, or those of a reference, or drops those of a choice. */
const PUSH = /vErrors\.push\((err\d+)\);/g;
const CONCAT =
  /vErrors = vErrors === null \? (\w+)\.errors : vErrors\.concat\(\1\.errors\);errors = vErrors\.length;/g;
const FORGET = /vErrors\.length = (_errs\d+);/g;

/** Counts all errors, which decides choices, and keeps the first ones: there may be millions. */
function withFewErrors(code: string): string {
  return code
    .replaceAll(PUSH, `if(vErrors.length<${MAX_ERRORS})vErrors.push($1);`)
    .replaceAll(
      CONCAT,
      `vErrors = vErrors === null ? $1.errors : vErrors.length<${MAX_ERRORS} ? vErrors.concat($1.errors).slice(0,${MAX_ERRORS}) : vErrors;errors += $1.errors.length;`,
    )
    .replaceAll(FORGET, 'vErrors.length = Math.min(vErrors.length,$1);');
}

/** Annotation keywords: extensions by ajv's rule for names, and OpenAPI's. */
const ANNOTATION = /^(x-[a-z0-9_$:-]+|example|externalDocs)$/i;

/** Keywords whose values are data, whatever is in them, and those whose values are named schemas. */
const DATA = /^(const|enum|default|examples)$/;
const SCHEMAS = /^(properties|patternProperties|dependentSchemas|\$defs|definitions)$/;

/** All keywords of a schema, outermost first. */
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

/** An instance for each schema, so that declarations are separate, and freed with it. */
function compile(schema: object): ValidateFunction {
  const annotations = new Set<string>();
  const formats = new Set<string>();
  for (const { key, value } of entriesOf(schema, [])) {
    if (ANNOTATION.test(key)) annotations.add(key);
    if (key === 'format' && typeof value === 'string') formats.add(value);
  }
  const ajv = new Ajv2020({
    allErrors: true,
    // Refuses unknown keywords: a misspelt one would let everything pass.
    strictSchema: true,
    // One of the dialect's own, which ajv resolves but reports as unknown.
    keywords: ['$anchor', ...annotations],
    strictTypes: false,
    strictTuples: false,
    ownProperties: true,
    inlineRefs: false,
    validateSchema: false,
    meta: false,
    logger: false,
    code: { regExp, process: (text) => withFewErrors(withOwnProperties(text)) },
  });
  addFormats(ajv);
  // Instead of ajv's, which knows neither quoted local parts nor domains without a dot.
  ajv.addFormat('email', ADDRESS_ALONE);
  useOwnKeywords(ajv);
  // An unknown format is an annotation, as the dialect says.
  for (const format of formats) {
    if (!Object.hasOwn(ajv.formats, format)) ajv.addFormat(format, true);
  }
  return ajv.compile(schema);
}

/** What is wrong with a caller's schema, by paths such as `schema.properties.id.type`. */
export function schemaProblems(schema: Record<string, unknown>): Found {
  const tooLarge = sizeProblem(schema, JSON.stringify(schema), 'schema');
  if (tooLarge) return only(tooLarge);
  const forbidden = new Problems();
  for (const { at, message } of forbiddenKeywords(schema)) forbidden.add(at, () => message);
  if (forbidden.problems.length > 0) return forbidden;
  if (meta.validateSchema(schema) !== true) return problemsOfErrors(meta.errors, ['schema']);
  try {
    compile(schema);
    return new Problems();
  } catch (error) {
    return only(unusable(schema, error as Error & { missingRef?: string }));
  }
}

const only = (problem: FieldProblem): Found => ({ problems: [problem], more: 0 });

/** Why ajv can't use a schema, at the keyword that it means if that is known. */
function unusable(
  schema: object,
  { message, missingRef }: Error & { missingRef?: string },
): FieldProblem {
  const unknown = /unknown keyword: "(.+)"/.exec(message)?.[1];
  for (const { key, value, at } of entriesOf(schema, ['schema'])) {
    const field = fieldAt(at);
    if (key === unknown && at.at(-2) !== 'properties') {
      return {
        field,
        message: 'is not a keyword of JSON Schema 2020-12; your own must begin with x-',
      };
    }
    if (missingRef !== undefined && /^\$(dynamicRef|ref)$/.test(key) && value === missingRef) {
      return { field, message: 'refers to something that does not exist' };
    }
  }
  return { field: 'schema', message: `cannot be used: ${message.slice(0, MAX_MESSAGE_LENGTH)}` };
}

/** The limits that a schema and a sample share. */
export function sizeProblem(value: unknown, json: string, field: string): FieldProblem | null {
  if (isDeeperThan(MAX_SCHEMA_DEPTH, value)) {
    return { field, message: `must not be nested deeper than ${MAX_SCHEMA_DEPTH}` };
  }
  return json.length > MAX_SCHEMA_LENGTH
    ? { field, message: `must not be longer than ${MAX_SCHEMA_LENGTH} characters of JSON` }
    : null;
}

/** Keywords that would refer outside the schema, or make it more than a check. */
function* forbiddenKeywords(schema: object): Generator<{ at: readonly string[]; message: string }> {
  for (const { key, value, at } of entriesOf(schema, ['schema'])) {
    if ((key === '$ref' || key === '$dynamicRef') && typeof value === 'string') {
      if (!value.startsWith('#')) yield { at, message: 'must refer to this schema: #…' };
    } else if (key === '$schema' && typeof value === 'string') {
      if (value.replace(/#$/, '') !== DIALECT) yield { at, message: `must be ${DIALECT}` };
    } else if ((key === '$id' && typeof value === 'string') || key === '$async') {
      yield { at, message: 'is not allowed here' };
    }
  }
}

/**
 * What is wrong with `data` by a schema in which `schemaProblems` found nothing.
 * @param schema as JSON
 * @param at the data's path in the request
 */
export function dataProblems(
  schema: string,
  { value, largeIntegers }: Payload,
  at: readonly string[],
): Found {
  try {
    const validate = validators.get(schema) ?? compile(JSON.parse(schema) as object);
    validators.set(schema, validate);
    const isValid = withLargeIntegers(largeIntegers, () => validate(value));
    const problems = isValid ? new Problems() : problemsOfErrors(validate.errors, at);
    validate.errors = null;
    return problems;
  } catch (error) {
    // A stack overflow.
    if (!(error instanceof RangeError)) throw error;
    return only({ field: fieldAt(at), message: NEVER_CHECKED });
  }
}

/** For data whose check takes too long, or too much memory. */
export const NEVER_CHECKED =
  'could not be checked: with its schema that takes too long, or never ends';

/** ajv's errors, each with the field that is wrong, missing or unknown. */
function problemsOfErrors(
  errors: readonly ErrorObject[] | null | undefined,
  at: readonly string[],
): Found {
  const told = new Set<string>();
  const problems = new Problems();
  for (const error of errors ?? []) {
    const { path, message } = problemOf(error, at);
    const text = JSON.stringify([path, message]);
    if (!told.has(text)) problems.add(path, () => message.slice(0, MAX_MESSAGE_LENGTH));
    told.add(text);
  }
  if ((errors?.length ?? 0) >= MAX_ERRORS) problems.more = Infinity;
  return problems;
}

function problemOf(
  { instancePath, keyword, params, message }: ErrorObject,
  at: readonly string[],
): { path: readonly string[]; message: string } {
  const pointer = instancePath
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  const field = (name?: unknown): readonly string[] => [
    ...at,
    ...pointer,
    ...(typeof name === 'string' ? [name] : []),
  ];
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return { path: field(params.missingProperty), message: 'is required' };
    case 'additionalProperties':
      return { path: field(params.additionalProperty), message: 'is not a known field here' };
    case 'unevaluatedProperties':
      return { path: field(params.unevaluatedProperty), message: 'is not a known field here' };
    case 'propertyNames':
      return { path: field(params.propertyName), message: 'is not a valid field name here' };
    case 'type':
      return {
        path: field(),
        message: `must be ${[params.type].flat().map(kindOf).join(' or ')}`,
      };
    case 'minItems':
    case 'maxItems':
    case 'minLength':
    case 'maxLength':
      return {
        path: field(),
        message: bound(
          keyword.endsWith('Items') ? 'array' : 'string',
          keyword.startsWith('min') ? 'at least' : 'at most',
          params.limit as number,
        ),
      };
    default:
      return { path: field(), message: message ?? `breaks ${keyword}` };
  }
}
