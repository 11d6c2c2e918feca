/* The API's own types, by the names that the pages use. */
import type { DeliverySummary, Webhook } from '../../../clients/typescript/generated/types.gen';

export type {
  AcceptedEvent,
  Attempt,
  AuditEntry,
  DeliverySummary,
  ErrorBody,
  EventType,
  EventWithDeliveries,
  ExplainedDelivery,
  Key,
  ListedEvent,
  ListedEventType,
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
