import type { z } from 'zod';
import type { DeliveryPolicy, SecretFormat, SigningScheme } from '../contracts/delivery';

/** One event type of a profile's catalogue. */
export interface EventTypeDefinition {
  type: string;
  description: string;
  /** What `data` must be. Closed: an unknown field is an error that names it. */
  data: z.ZodType<Record<string, unknown>>;
  /** A realistic `data`, valid by the schema: test events, dashboard and docs use it. */
  sample: Record<string, unknown>;
}

/** What an envelope is made of. */
export interface EnvelopeInput {
  projectId: string;
  type: string;
  /** ISO 8601 in UTC with milliseconds. */
  createdAt: string;
  data: Record<string, unknown>;
}

/**
 * One of the webhook systems that Posthorn behaves like (contract, section 1). A profile is data:
 * all that differs between systems is read from here, nothing branches on its name.
 */
export interface Profile {
  name: string;
  /** In the order that `GET /v1/webhooks/events/available` answers. */
  events: readonly EventTypeDefinition[];
  /** The body's members, in the order in which they are serialised. */
  envelope: (event: EnvelopeInput) => Record<string, unknown>;
  signing: readonly SigningScheme[];
  secretFormat: SecretFormat;
  /** Whether the caller may bring a secret of its own when creating a webhook. */
  secretFromCaller: boolean;
  policy: DeliveryPolicy;
  maxWebhooks: number;
  /** Whether `http://` is allowed for any public host while POSTHORN_ENV=development. */
  httpInDevelopment: boolean;
}
