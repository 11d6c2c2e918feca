/** Keywords whose value is a schema, and those whose value has schemas: a list, or by name. */
const HAS_SCHEMA =
  'additionalProperties contains contentSchema else if items not propertyNames then unevaluatedItems unevaluatedProperties';
const HAS_SCHEMAS =
  '$defs allOf anyOf definitions dependencies dependentSchemas oneOf patternProperties prefixItems properties';
const HAS_DATA =
  '$anchor $comment $dynamicAnchor $dynamicRef $id $ref $schema $vocabulary const contentEncoding contentMediaType default dependentRequired deprecated description enum examples exclusiveMaximum exclusiveMinimum format maxContains maxItems maxLength maxProperties maximum minContains minItems minLength minProperties minimum multipleOf pattern readOnly required title type uniqueItems writeOnly';

const withSchema = new Set(HAS_SCHEMA.split(' '));
const withSchemas = new Set(HAS_SCHEMAS.split(' '));
const withData = new Set(HAS_DATA.split(' '));

/** Annotations: extensions, and OpenAPI's. */
const ANNOTATION = /^(x-[a-z0-9_$:-]+|example|externalDocs)$/i;

/** Whether JSON Schema 2020-12 has a keyword, or it is an annotation. */
export const isKeyword = (key: string): boolean =>
  withSchema.has(key) || withSchemas.has(key) || withData.has(key) || ANNOTATION.test(key);

/**
 * All keywords of a schema and of those inside it, outermost first: names of fields are not keywords, nor is data.
 * @param withUnknown also what is inside annotations and unknown keywords, as if they were schemas
 */
export function* keywordsOf(
  schema: unknown,
  path: readonly string[],
  withUnknown = false,
): Generator<{ key: string; value: unknown; at: readonly string[] }> {
  for (const [key, value] of membersOf(schema)) {
    const at = [...path, key];
    yield { key, value, at };
    if (withSchema.has(key) || (withUnknown && !withSchemas.has(key) && !withData.has(key))) {
      yield* keywordsOf(value, at, withUnknown);
    }
    if (!withSchemas.has(key) || typeof value !== 'object' || value === null) continue;
    for (const [name, inner] of Object.entries(value)) {
      yield* keywordsOf(inner, [...at, name], withUnknown);
    }
  }
}

/** A list is not a schema: `dependencies` may have lists. */
const membersOf = (schema: unknown): [string, unknown][] =>
  typeof schema === 'object' && schema !== null && !Array.isArray(schema)
    ? Object.entries(schema)
    : [];

export const isReference = (key: string): boolean => key === '$ref' || key === '$dynamicRef';

export const isAnchor = (key: string): boolean => key === '$anchor' || key === '$dynamicAnchor';

/** Whether a keyword's value has schemas by name. */
export const hasNames = (key: string, value: unknown): value is object =>
  withSchemas.has(key) && typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a reference such as `#/$defs/order` leads to a schema, not to a name's value or to data. */
export function leadsToSchema(schema: unknown, reference: string): boolean {
  let names: string[];
  try {
    names = decodeURIComponent(reference).split('/').slice(1);
  } catch {
    return false;
  }
  let value = schema;
  let isSchema = true;
  for (const escaped of names) {
    const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return false;
    if (isSchema && !withSchema.has(name) && !withSchemas.has(name)) return false;
    isSchema = !isSchema || withSchema.has(name);
    value = (value as Record<string, unknown>)[name];
  }
  return isSchema && !Array.isArray(value);
}
