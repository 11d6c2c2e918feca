import { z } from 'zod';
import type { FieldProblem } from '../../contracts/errors';
import { OPERATIONAL_TYPES } from '../../contracts/operational';
import { SIGNING_SCHEMES, type DeliveryPolicy, type SigningScheme } from '../../contracts/delivery';
import type { ChangedBy } from '../../domain/changed-by';
import { filterProblems, missingMembers } from '../../domain/filter-problems';
import { isKnownPattern } from '../../domain/subscription';
import {
  canonicalWebhookUrl,
  checkWebhookUrl,
  type WebhookUrlPolicy,
} from '../../domain/webhook-url';
import { checkSecret } from '../../delivery/signing';
import { typeNamed, type Profile } from '../../profiles';
import { MAX_SUGGESTIONS, unknownType } from '../events/event-catalog';
import type { WebhookRecord } from '../../store/webhook-record';
import { policyFields } from '../projects/policy';
import { externalIdField } from '../schemas/fields';
import { nameField, someOf } from '../http/validation';

/** RFC 9110, 5.6.2: a header's name. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** Visible ASCII, with spaces and tabs inside: nothing that could start another header. */
const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e\t]{0,4094}[\x21-\x7e])?$/;
/** Those that Posthorn sends by any scheme, and HTTP's: of the connection, and of the body's form. */
const RESERVED_HEADER =
  /^(x-webhook-(signature|signature-previous|event|delivery-id|timestamp|test)|webhook-(id|timestamp|signature)|user-agent|content-(type|length|encoding)|host|connection|keep-alive|proxy-(authenticate|authorization|connection)|te|trailer|transfer-encoding|upgrade|expect|accept-encoding)$/i;
const MAX_HEADERS = 20;
/** Of all names and values: many servers take 8 to 16 KiB of headers, or of each line 8. */
const MAX_HEADER_CHARACTERS = 8192;

const headers = z
  .record(
    z
      .string()
      .regex(HEADER_NAME, 'is not a header name')
      .refine(
        (name) => !RESERVED_HEADER.test(name),
        'is a header that only Posthorn or HTTP itself sets',
      ),
    z.string().regex(HEADER_VALUE, 'must be 1-4096 visible ASCII characters'),
  )
  .refine(
    (all) => Object.keys(all).length <= MAX_HEADERS,
    `must have at most ${MAX_HEADERS} headers`,
  )
  .refine(
    (all) => Object.entries(all).flat().join('').length <= MAX_HEADER_CHARACTERS,
    `must have at most ${MAX_HEADER_CHARACTERS} characters in names and values together`,
  )
  .check((ctx) => {
    const seen = new Set<string>();
    for (const name of Object.keys(ctx.value)) {
      const input = ctx.value;
      if (seen.has(name.toLowerCase())) {
        ctx.issues.push({ code: 'custom', message: 'is given twice', path: [name], input });
      }
      seen.add(name.toLowerCase());
    }
  });

/**
 * Stored as JSON (src/store/webhook-record.ts).
 * @param problemsIn what is wrong with it, by paths inside it
 * @param before that of the webhook that is changed: stored by an earlier version, it may be anything
 */
const filterField = (
  { envelope }: Profile,
  problemsIn: (filter: unknown) => readonly FieldProblem[],
  before: string | null,
) =>
  z
    .unknown()
    .check((ctx) => {
      if (ctx.value === null) return;
      const problems = problemsIn(ctx.value);
      const isFine = problems.length === 0 && JSON.stringify(ctx.value) !== before;
      const missing = isFine ? missingMembers(ctx.value as object, Object.keys(envelope)) : [];
      for (const { field, message } of [...problems, ...missing]) {
        const path = field === '' ? [] : [field];
        ctx.issues.push({ code: 'custom', message, path, input: ctx.value });
      }
    })
    .transform((query) => (query === null ? null : JSON.stringify(query)))
    .meta({
      description:
        'A query in MongoDB’s syntax over the envelope; each path starts with one of its members. Its operators and limits are in [the guide](docs/guide-webhooks.md). An event that would take over 200,000 steps to evaluate passes, and so does any event while its project has used up its CPU time.',
      override: { type: ['object', 'null'] },
    });

/** The caller's own secret, if the profile allows it. */
export function secretField(profile: Profile): z.ZodType<string | undefined> {
  if (!profile.secretFromCaller) {
    return z
      .undefined('is not accepted: Posthorn generates the secrets of this project')
      .optional();
  }
  return z
    .string()
    .check((ctx) => {
      const problem = checkSecret(ctx.value, profile.secretFormat);
      if (problem !== null) ctx.issues.push({ code: 'custom', message: problem, input: ctx.value });
    })
    .optional();
}

/** What a caller may set on a webhook, and change later. */
export interface WebhookSettings {
  externalId?: string | null;
  name: string;
  events: string[];
  description?: string | null;
  headers?: Record<string, string>;
  signing?: SigningScheme[];
  policy?: Partial<DeliveryPolicy>;
  /** A checked query as JSON; null: none. */
  filter?: string | null;
}

/** What a change may repeat, though it would not be accepted as new. */
type ChangedWebhook = Pick<WebhookRecord, 'events' | 'filter'>;

/** `isActive: true` enables one that is disabled, and resets its failures. */
export type WebhookChanges = Partial<WebhookSettings> & { isActive?: boolean };

export interface NewWebhookBody extends WebhookSettings {
  url: string;
  secret?: string;
}

/**
 * Event types, families and `*`; a profile's short names become the types.
 * @param types names of the project's types; operational ones are always included
 * @param reader who is told what is wrong
 * @param isFormer whether to accept what matches none of them: a type may have been deleted since it was named
 */
export function subscriptionField(
  profile: Profile,
  types: readonly string[],
  reader: ChangedBy,
  isFormer: (pattern: string) => boolean = () => false,
): z.ZodType<string[]> {
  const known = [...types, ...OPERATIONAL_TYPES];
  let suggestions = MAX_SUGGESTIONS;
  const pattern = z
    .string()
    .max(200)
    .transform((name) => typeNamed(profile, name))
    .refine((type) => isKnownPattern(type, known) || isFormer(type), {
      error: ({ input }) =>
        unknownType(profile, input as string, suggestions-- > 0 ? known : [], reader),
    });
  return z
    .array(pattern)
    .min(1)
    .max(200)
    .transform((patterns) => [...new Set(patterns)]);
}

/**
 * The bodies of `POST` and `PATCH /v1/webhooks`, by the project's event types and the address rules.
 * @param filterProblemsIn the result of the filter's check
 * @param before the webhook that is changed
 */
export function webhookBodies(
  profile: Profile,
  types: readonly string[],
  urlPolicy: WebhookUrlPolicy,
  filterProblemsIn: (filter: unknown) => readonly FieldProblem[] = filterProblems,
  before?: ChangedWebhook,
): {
  create: z.ZodType<NewWebhookBody>;
  update: z.ZodType<WebhookChanges>;
} {
  const settings = {
    externalId: externalIdField,
    name: nameField,
    events: subscriptionField(profile, types, urlPolicy.reader),
    description: z.string().max(1000).nullable().optional(),
    headers: headers.optional(),
    signing: someOf(SIGNING_SCHEMES).optional(),
    policy: z.strictObject(policyFields).optional(),
    filter: filterField(profile, filterProblemsIn, before?.filter ?? null).optional(),
  };
  const url = z
    .string()
    .check((ctx) => {
      const problem = checkWebhookUrl(ctx.value, urlPolicy);
      if (problem !== null) ctx.issues.push({ code: 'custom', message: problem, input: ctx.value });
    })
    .transform(canonicalWebhookUrl);
  return {
    create: z.strictObject({ ...settings, url, secret: secretField(profile) }),
    update: z
      .strictObject({
        ...settings,
        events: subscriptionField(
          profile,
          types,
          urlPolicy.reader,
          (pattern) => before?.events.includes(pattern) ?? false,
        ),
        isActive: z.boolean(),
      })
      .partial(),
  };
}

/** The same for one process: what its configuration allows webhooks of this profile to reach. */
export function webhookBodiesOf(
  profile: Profile,
  types: readonly string[],
  { development, allowedCidrs, reader }: Omit<WebhookUrlPolicy, 'allowHttp'>,
  filterProblemsIn?: (filter: unknown) => readonly FieldProblem[],
  before?: ChangedWebhook,
): ReturnType<typeof webhookBodies> {
  const allowHttp = development && profile.httpInDevelopment;
  const urlPolicy = { allowHttp, development, allowedCidrs, reader };
  return webhookBodies(profile, types, urlPolicy, filterProblemsIn, before);
}
