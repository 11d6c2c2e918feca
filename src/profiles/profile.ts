import type { z } from 'zod';
import type { DeliveryPolicy, SecretFormat, SigningScheme } from '../contracts/delivery';

/** One event type of a profile's catalogue. */
export interface EventTypeDefinition {
  type: string;
  description: string;
  /**
   * What `data` must be. Closed: an unknown field is an error that names it. Nothing is transformed
   * or filled in, so what was posted is what is delivered, and `z.toJSONSchema` can show it.
   */
  data: z.ZodType<Record<string, unknown>>;
  /** A realistic `data`, valid by the schema: test events, dashboard and docs use it. */
  sample: Record<string, unknown>;
}

/** What an envelope is made of. */
export interface EnvelopeInput {
  /** What the project is called by: the caller's own id for it, else ours. */
  workspace: string;
  type: string;
  /** ISO 8601 with a zone: as the caller wrote it, or in UTC with milliseconds. */
  createdAt: string;
  /** JSON, as its caller wrote it. */
  data: string;
}

/** What an e-mail provider reported about one e-mail, in whatever words (docs/contract.md, 6.2). */
export interface ProviderEvent {
  emailId: string;
  recipient?: string;
  /** When it happened: ISO 8601 with a zone. */
  timestamp: string;
}

/** How the events that e-mail providers post to `/api/webhooks` become the project's own. */
export interface ProviderEvents {
  /** Our word for what happened (`opened`) → the event type that it becomes. Others are stored only. */
  types: ReadonlyMap<string, string>;
  /** The `data` of that event, valid by the type's schema. */
  data: (event: ProviderEvent) => Record<string, unknown>;
}

/**
 * One of the webhook systems that Posthorn behaves like (docs/contract.md, 1). A profile is data:
 * all that differs between systems is read from here, nothing branches on its name.
 */
export interface Profile {
  name: string;
  /** In the order that `GET /v1/webhooks/events/available` answers. */
  events: readonly EventTypeDefinition[];
  /**
   * Whether a project adds event types of its own by `PUT /v1/event-types/:type`. They come after
   * `events`, which they can't replace.
   */
  eventTypesFromProject: boolean;
  /**
   * Short names → event types: what a subscription may say instead. Stored is always the type; the
   * short names, in this order, are what `/api/webhooks/manage` speaks.
   */
  aliases: ReadonlyMap<string, string>;
  /** null: the `/api/webhooks` routes don't exist for projects of this profile. */
  providerEvents: ProviderEvents | null;
  /**
   * The body's members, by their names, in the order in which they are serialised: which part each is. The last is
   * `data`, as its caller wrote it.
   * Events may be posted by these names as well as by ours.
   */
  envelope: Readonly<Record<string, keyof EnvelopeInput>>;
  /** The schemes of a webhook that asks for none. */
  signing: readonly SigningScheme[];
  secretFormat: SecretFormat;
  /** Whether the caller may bring a secret of its own when creating a webhook. */
  secretFromCaller: boolean;
  policy: DeliveryPolicy;
  maxWebhooks: number;
  /**
   * Values of a project's `plan`, in lower case, with which it may hold no webhook. Other plans, and
   * none, may.
   */
  plansWithoutWebhooks: readonly string[];
  /** Whether `http://` is allowed for any public host while POSTHORN_ENV=development. */
  httpInDevelopment: boolean;
  /**
   * What is sent as a test, one attempt, when a webhook is created; its result is in the answer and
   * changes nothing else. Its type is none of `events`: nobody posts it or subscribes to it. null: there
   * is no ping.
   */
  pingOnCreate: EventTypeDefinition | null;
  /**
   * Whether the project's `ownerEmail` is told by e-mail when a webhook was disabled by itself, and
   * warned before.
   */
  notifyOwnerOnDisable: boolean;
}
