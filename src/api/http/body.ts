import type { Request } from 'express';
import { z } from 'zod';
import { readJson, toPayload, type Payload } from '../../domain/json-text';
import { isObject } from '../../domain/payload-filter';
import { decodeUtf8 } from './encoding';
import { invalid, malformedJson } from './errors';

/** Maximum bytes of a body, and of a batch (docs/contract.md, 5.5). */
export const BODY_LIMIT = 256 * 1024;
export const BATCH_LIMIT = 5 * 1024 * 1024;

/** What `express.raw` has read; empty where there was no body. */
export function bytesOf({ body }: Request): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** The paths in a body that are kept as the caller wrote them. */
const PAYLOADS = [['data'], ['events', null, 'data'], ['sample']];

/** For the bodies being answered, and their payloads. */
const written = new WeakMap<object, Payload>();

/** An object of a body as the caller wrote it. */
export function asWritten(value: Record<string, unknown>): Payload {
  return written.get(value) ?? toPayload(value);
}

/** An object that is kept as the caller wrote it. */
export const payloadField = z
  .unknown()
  .check((ctx) => {
    if (isObject(ctx.value)) return;
    const message = ctx.value === undefined ? 'is required' : 'must be an object';
    ctx.issues.push({ code: 'custom', message, input: ctx.value });
  })
  .transform((value) => asWritten(value as Record<string, unknown>))
  .meta({ override: { type: 'object', additionalProperties: {} } });

/**
 * A body: a JSON object, or nothing, which counts as an empty object.
 * @throws ApiError 400 for what isn't JSON, 422 for what can't be stored unchanged
 */
export function readBody(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.length === 0) return {};
  const text = decodeUtf8(bytes);
  const { value, problems, payloads, largeIntegers, roundedNumbers } = parseText(text);
  if (!isObject(value)) throw invalid([{ field: 'body', message: 'must be an object' }]);
  if (problems.length > 0) throw invalid(problems);
  for (const [object, payload] of payloads) written.set(object, payload);
  written.set(value, { value, text, largeIntegers, roundedNumbers });
  return value;
}

function parseText(text: string): ReturnType<typeof readJson> {
  try {
    return readJson(text, PAYLOADS);
  } catch {
    throw malformedJson(text);
  }
}
