import { hasNames, isAnchor, isReference, keywordsOf } from './json-schema-places';

/*
 * ajv doesn't find every anchor (none of the outermost schema, nor of those in `prefixItems`), and takes
 * members of annotations for anchors. So it gets schemas without any.
 */

/** A copy of a schema without anchors: its references lead by path. */
export function withoutAnchors(schema: object): object {
  return copyOf(schema, anchorsOf(schema)) as object;
}

/** Pointers to the schemas that have names. */
function anchorsOf(schema: object): Map<string, string> {
  const pointers = new Map<string, string>();
  // Schemas in annotations come last: they can be referred to only in a type that was stored long ago.
  for (const withUnknown of [false, true]) {
    for (const { key, value, at } of keywordsOf(schema, [], withUnknown)) {
      if (!isAnchor(key) || typeof value !== 'string' || pointers.has(value)) continue;
      pointers.set(value, pointerTo(at.slice(0, -1)));
    }
  }
  return pointers;
}

const pointerTo = (path: readonly string[]): string =>
  ['#', ...path.map((name) => encodeURIComponent(escaped(name).toWellFormed()))].join('/');

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

function copyOf(schema: unknown, anchors: ReadonlyMap<string, string>): unknown {
  const inner = (value: unknown): unknown => copyOf(value, anchors);
  if (Array.isArray(schema)) return schema.map(inner);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members: [string, unknown][] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (typeof value === 'string') {
      const pointer = isReference(key) ? anchors.get(value.slice(1)) : undefined;
      if (!isAnchor(key)) members.push([key, pointer ?? value]);
    } else if (key === 'const' || key === 'enum') members.push([key, value]);
    else if (hasNames(key, value)) members.push([key, mapValues(value, inner)]);
    else members.push([key, inner(value)]);
  }
  // Makes a member called `__proto__` too.
  return Object.fromEntries(members);
}

const mapValues = (values: object, map: (value: unknown) => unknown): object =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
