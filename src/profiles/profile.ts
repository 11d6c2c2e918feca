import type { z } from 'zod';
import type { DeliveryPolicy, SecretFormat, SigningScheme } from '../contracts/delivery';

/** One event type of a profile's catalogue. */
export interface EventTypeDefinition {
  type: string;
  description: string;
  /**
   * The schema of `data`. Closed: an unknown field is an error that names it. Nothing is transformed
   * or filled in, so that `data` is delivered as posted, and `z.toJSONSchema` can show it.
   */
  data: z.ZodType<Record<string, unknown>>;
  /** A realistic `data`, valid against the schema: test events, dashboard and docs use it. */
  sample: Record<string, unknown>;
}

/** The parts of an envelope. */
export interface EnvelopeInput {
  /** The project's id: the caller's own, else ours. */
  workspace: string;
  type: string;
  /** ISO 8601 with an offset: as the caller wrote it, or in UTC with milliseconds. */
  createdAt: string;
  /** JSON, as its caller wrote it. */
  data: string;
}

/** What an e-mail provider reported about one e-mail (docs/contract.md, 6.2). */
export interface ProviderEvent {
  emailId: string;
  recipient?: string;
  /** When it happened: ISO 8601 with an offset. */
  timestamp: string;
}

/** How the events that e-mail providers post to `/api/webhooks` become the project's own. */
export interface ProviderEvents {
  /** Our term for what happened (`opened`) → the event type that it becomes. Others are only stored. */
  types: ReadonlyMap<string, string>;
  /** The `data` of that event, valid against the type's schema. */
  data: (event: ProviderEvent) => Record<string, unknown>;
}

/**
 * One of the webhook systems that Posthorn emulates (docs/contract.md, 1). A profile is data:
 * everything that differs between systems is read from here, nothing branches on its name.
 */
export interface Profile {
  name: string;
  /** In the order of `GET /v1/webhooks/events/available`. */
  events: readonly EventTypeDefinition[];
  /**
   * Whether projects may add event types by `PUT /v1/event-types/:type`. They come after `events`,
   * which they can't replace.
   */
  eventTypesFromProject: boolean;
  /**
   * Short names → event types, accepted in subscriptions. The type is what is stored;
   * `/api/webhooks/manage` uses the short names, in this order.
   */
  aliases: ReadonlyMap<string, string>;
  /** null: the `/api/webhooks` routes don't exist for projects of this profile. */
  providerEvents: ProviderEvents | null;
  /**
   * The body's members by name, in the order of serialisation, and which part each is. The last is `data`, as
   * its caller wrote it. Events may be posted with these names as well as with ours.
   */
  envelope: Readonly<Record<string, keyof EnvelopeInput>>;
  /** The default schemes of a webhook. */
  signing: readonly SigningScheme[];
  secretFormat: SecretFormat;
  /** Whether callers may supply a secret when creating a webhook. */
  secretFromCaller: boolean;
  policy: DeliveryPolicy;
  maxWebhooks: number;
  /**
   * Values of a project's `plan`, in lower case, that don't allow webhooks. Other plans, and no plan, do.
   */
  plansWithoutWebhooks: readonly string[];
  /** Whether `http://` is allowed for any public host while POSTHORN_ENV=development. */
  httpInDevelopment: boolean;
  /**
   * A test that is sent, in one attempt, when a webhook is created; its result is in the answer, and counts in the
   * webhook's health like any other. Its type is not among `events`: it can't be posted or subscribed to.
   * null: no ping.
   */
  pingOnCreate: EventTypeDefinition | null;
  /**
   * Whether the project's `ownerEmail` gets an e-mail when a webhook was disabled automatically, and
   * a warning before.
   */
  notifyOwnerOnDisable: boolean;
}
