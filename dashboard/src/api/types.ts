/* The API's own types, by the names that the pages use. */
import type {
  DeliverySummary,
  EventType as AnsweredEventType,
  EventWithDeliveries as AnsweredEvent,
  ListedEvent as AnsweredListedEvent,
  ListedEventType as AnsweredListedEventType,
  Webhook,
} from '../../../clients/typescript/generated/types.gen';

export type {
  AcceptedEvent,
  Attempt,
  AuditEntry,
  DeliverySummary,
  ErrorBody,
  ExplainedDelivery,
  Key,
  NewKey,
  NewWebhook,
  PortalLink,
  Project,
  Replay,
  ReplayDryRun,
  ScannedEvents,
  Search,
  SearchResult,
  Secret,
  Session,
  Stats,
  UpdatedWebhook,
  Webhook,
  WebhookDefaults,
} from '../../../clients/typescript/generated/types.gen';

export type LastAttempt = NonNullable<DeliverySummary['lastAttempt']>;
export type DeliveryStatus = DeliverySummary['status'];
export type SigningScheme = Webhook['signing'][number];
export type Policy = Webhook['policy'];

/** With what callers wrote as a string of its JSON (written.ts). */
type Written<T> = {
  [Name in keyof T]: Name extends 'data' | 'schema' | 'sample'
    ? string | Extract<T[Name], null | undefined>
    : T[Name];
};
export type EventType = Written<AnsweredEventType>;
export type EventWithDeliveries = Written<AnsweredEvent>;
export type ListedEvent = Written<AnsweredListedEvent>;
export type ListedEventType = Written<AnsweredListedEventType>;
