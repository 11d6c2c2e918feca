import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { LRUCache } from 'lru-cache';
import type { FieldProblem } from '../../contracts/errors';
import { compilePattern } from '../../domain/filter-pattern';
import type { Payload } from '../../domain/json-text';
import { ADDRESS_ALONE } from '../../domain/mailbox';
import { withoutAnchors } from './json-schema-anchors';
import { useOwnEvaluation, useShortLists, useStaticReferences } from './json-schema-evaluated';
import { useOwnKeywords, withLargeIntegers } from './json-schema-keywords';
import { isAnchor, isKeyword, isReference, keywordsOf, leadsToSchema } from './json-schema-places';
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
const cut = (message: string): string => message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();

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

/** An instance for each schema, so that declarations are separate, and freed with it. */
function compile(schema: object): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    ownProperties: true,
    // None is allowed, and a definition may be called `$id`.
    schemaId: Symbol('none') as unknown as '$id',
    inlineRefs: false,
    validateSchema: false,
    meta: false,
    logger: false,
    code: { regExp, process: withFewErrors },
  });
  addFormats(ajv);
  // Instead of ajv's, which knows neither quoted local parts nor domains without a dot.
  ajv.addFormat('email', ADDRESS_ALONE);
  // An unknown format is an annotation, as the dialect says, even one called `constructor`.
  Object.setPrototypeOf(ajv.formats, null);
  useOwnKeywords(ajv);
  useStaticReferences(ajv);
  useShortLists(ajv);
  if (UNEVALUATED.test(JSON.stringify(schema))) useOwnEvaluation(ajv);
  else ajv.opts.unevaluated = false;
  return ajv.compile(withoutAnchors(schema));
}

const UNEVALUATED = /"unevaluated(Items|Properties)":/;

/** What is wrong with a caller's schema, by paths such as `schema.properties.id.type`. */
export function schemaProblems(schema: Record<string, unknown>): Found {
  const tooLarge = sizeProblem(schema, JSON.stringify(schema), 'schema');
  if (tooLarge) return only(tooLarge);
  const refused = new Problems();
  for (const { at, message } of refusedKeywords(schema)) refused.add(at, () => message);
  if (refused.problems.length > 0) return refused;
  try {
    if (!meta.validate(DIALECT, schema)) return problemsOfErrors(meta.errors, ['schema']);
    compile(schema);
    return new Problems();
  } catch (error) {
    return only(unusable(schema, error as Error & { missingRef?: string }));
  }
}

const only = (problem: FieldProblem): Found => ({ problems: [problem], more: 0 });

/** Why ajv can't use a schema, at the keyword that it means if that is known. */
function unusable(schema: object, error: Error & { missingRef?: string }): FieldProblem {
  if (error instanceof RangeError) {
    const message = 'has references that only lead to each other, or too many in a row';
    return { field: 'schema', message };
  }
  for (const { key, value, at } of keywordsOf(schema, ['schema'])) {
    if (error.missingRef !== undefined && isReference(key) && value === error.missingRef) {
      return { field: fieldAt(at), message: LEADS_NOWHERE };
    }
  }
  const message = `cannot be used: ${cut(error.message)}`;
  return { field: 'schema', message };
}

const LEADS_NOWHERE = 'refers to something that does not exist, or is no schema';

/** The limits that a schema and a sample share. */
export function sizeProblem(value: unknown, json: string, field: string): FieldProblem | null {
  if (isDeeperThan(MAX_SCHEMA_DEPTH, value)) {
    return { field, message: `must not be nested deeper than ${MAX_SCHEMA_DEPTH}` };
  }
  return json.length > MAX_SCHEMA_LENGTH
    ? { field, message: `must not be longer than ${MAX_SCHEMA_LENGTH} characters of JSON` }
    : null;
}

/** Keywords that would check nothing, refer outside the schema, or make it more than a check. */
function* refusedKeywords(schema: object): Generator<{ at: readonly string[]; message: string }> {
  const keywords = [...keywordsOf(schema, ['schema'])];
  const named = new Set(keywords.filter(({ key }) => isAnchor(key)).map(({ value }) => value));
  const anchors = new Set<unknown>();
  for (const { key, value, at } of keywords) {
    const message = refusalOf(key, value);
    if (message !== null) yield { at, message };
    if (isReference(key) && typeof value === 'string' && value.startsWith('#')) {
      const byPath = value === '#' || value.startsWith('#/');
      const leads = byPath ? leadsToSchema(schema, value) : named.has(value.slice(1));
      if (!leads) yield { at, message: LEADS_NOWHERE };
    }
    if (isAnchor(key)) {
      if (anchors.has(value)) yield { at, message: 'is also the name of another schema' };
      anchors.add(value);
    }
    if (key !== 'patternProperties' || typeof value !== 'object' || value === null) continue;
    for (const pattern of Object.keys(value)) {
      const wrong = patternProblem(pattern);
      if (wrong !== null) yield { at: [...at, pattern], message: wrong };
    }
  }
}

function refusalOf(key: string, value: unknown): string | null {
  if (key === '$async' || (key === '$id' && typeof value === 'string')) {
    return 'is not allowed here';
  }
  if (!isKeyword(key)) {
    return 'is not a keyword of JSON Schema 2020-12; your own must begin with x-';
  }
  if (typeof value !== 'string') return null;
  if (isReference(key) && !value.startsWith('#')) return 'must refer to this schema: #…';
  if (key === '$schema' && value.replace(/#$/, '') !== DIALECT) return `must be ${DIALECT}`;
  return key === 'pattern' ? patternProblem(value) : null;
}

function patternProblem(pattern: string): string | null {
  try {
    compilePattern(pattern, '');
    return null;
  } catch (error) {
    const reason = cut((error as Error).message);
    return `is not a pattern of RE2, which has neither look-around nor back references: ${reason}`;
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
    // A stack overflow, mostly. Whatever it is, the other events of a batch are checked.
    const found = only({ field: fieldAt(at), message: NEVER_CHECKED });
    if (error instanceof RangeError) return found;
    const { stack = '' } = error as Error;
    // Once it is compiled, an error's message may quote the data.
    return { ...found, bug: validators.has(schema) ? framesOf(stack) : stack };
  }
}

const framesOf = (stack: string): string =>
  stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n');

/** For data whose check takes too long or too much memory. */
export const NEVER_CHECKED = 'could not be checked: evaluating its schema takes too long';

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
    if (!told.has(text)) problems.add(path, () => cut(message));
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
    case 'false schema':
      return { path: field(), message: 'is not allowed here' };
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
