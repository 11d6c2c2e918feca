import { isObject } from '../../domain/payload-filter';
import { DESCRIPTIONS } from './descriptions';

type Json = Record<string, unknown>;

const INT32_MAX = 2 ** 31 - 1;
/** Values, not schemas, even if they look like schemas. */
const VALUES = new Set(['example', 'examples', 'default', 'const', 'enum']);

/** Adds missing descriptions, and the formats of 32-bit and 64-bit integers. */
export function finish(document: Json): void {
  const { components, paths, webhooks } = document as Record<string, Record<string, Json>>;
  for (const [name, schema] of Object.entries(components!.schemas!)) walk(schema, name);
  walk(components!.responses, '');
  walk([paths, webhooks], '');
}

function walk(node: unknown, owner: string): void {
  if (Array.isArray(node)) {
    for (const item of node) walk(item, owner);
    return;
  }
  if (!isObject(node)) return;
  const within = typeof node.operationId === 'string' ? node.operationId : owner;
  if (node.type === 'integer') node.format = isInt32(node) ? 'int32' : 'int64';
  if (typeof node.name === 'string' && typeof node.in === 'string') {
    describe(node, node.name, within);
  }
  if (isObject(node.properties)) {
    for (const [name, property] of Object.entries(node.properties)) {
      if (isObject(property) && !('$ref' in property)) describe(property, name, within);
    }
  }
  for (const [key, value] of Object.entries(node)) if (!VALUES.has(key)) walk(value, within);
}

function describe(node: Json, name: string, owner: string): void {
  const text = DESCRIPTIONS[`${owner}.${name}`] ?? DESCRIPTIONS[name];
  if (text !== undefined) node.description ??= text;
}

function isInt32({ minimum, maximum }: Json): boolean {
  return Number(minimum) >= -INT32_MAX - 1 && Number(maximum) <= INT32_MAX;
}
