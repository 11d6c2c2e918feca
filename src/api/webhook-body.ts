import { z } from 'zod';
import { SIGNING_SCHEMES, type DeliveryPolicy, type SigningScheme } from '../contracts/delivery';
import { isKnownPattern } from '../domain/subscription';
import { checkWebhookUrl, type WebhookUrlPolicy } from '../domain/webhook-url';
import type { Profile } from '../profiles';
import { policyFields } from './policy';

/** RFC 9110, 5.6.2: a header's name. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** Visible ASCII, spaces and tabs inside: nothing that could begin another header. */
const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e\t]{0,1022}[\x21-\x7e])?$/;
/** Headers that are ours, the connection's, or the body's. */
const RESERVED_HEADER =
  /^(content-.*|user-agent|x-webhook-.*|webhook-.*|host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|accept-encoding)$/i;
const MAX_HEADERS = 20;

const headers = z
  .record(
    z
      .string()
      .regex(HEADER_NAME, 'is not a header name')
      .refine((name) => !RESERVED_HEADER.test(name), 'is a header that Posthorn sets itself'),
    z.string().regex(HEADER_VALUE, 'must be 1-1024 visible ASCII characters'),
  )
  .refine((all) => Object.keys(all).length <= MAX_HEADERS, `at most ${MAX_HEADERS} headers`);

/** What a caller may set on a webhook, and change later. */
export interface WebhookSettings {
  name: string;
  events: string[];
  description?: string | null;
  headers?: Record<string, string>;
  signing?: SigningScheme[];
  policy?: Partial<DeliveryPolicy>;
}

export interface NewWebhookBody extends WebhookSettings {
  url: string;
}

/** The bodies of `POST` and `PATCH /v1/webhooks`, by the profile's event types and the address rules. */
export function webhookBodies(
  profile: Profile,
  urlPolicy: WebhookUrlPolicy,
): {
  create: z.ZodType<NewWebhookBody>;
  update: z.ZodType<Partial<WebhookSettings> & { isActive?: boolean }>;
} {
  const types = profile.events.map(({ type }) => type);
  const settings = {
    name: z.string().trim().min(1).max(200),
    events: z
      .array(
        z
          .string()
          .max(200)
          .refine(
            (pattern) => isKnownPattern(pattern, types),
            'is no event type of this project; GET /v1/webhooks/events/available lists them',
          ),
      )
      .min(1)
      .max(200)
      .transform((patterns) => [...new Set(patterns)]),
    description: z.string().max(1000).nullable().optional(),
    headers: headers.optional(),
    signing: z.array(z.enum(SIGNING_SCHEMES)).min(1).optional(),
    policy: z.strictObject(policyFields).optional(),
  };
  const url = z.string().check((ctx) => {
    const problem = checkWebhookUrl(ctx.value, urlPolicy);
    if (problem !== null) ctx.issues.push({ code: 'custom', message: problem, input: ctx.value });
  });
  return {
    create: z.strictObject({ ...settings, url }),
    update: z.strictObject({ ...settings, isActive: z.boolean() }).partial(),
  };
}
