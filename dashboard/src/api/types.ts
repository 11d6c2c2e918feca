/* The API's own types, by the names that the pages use. */
import type {
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
  NewKey,
  NewWebhook,
  Project,
  Replay,
  ReplayDryRun,
  Secret,
  Stats,
  UpdatedWebhook,
  Webhook,
} from '../../../clients/typescript/generated/types.gen';

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
  NewKey,
  NewWebhook,
  Project,
  Replay,
  ReplayDryRun,
  Secret,
  Stats,
  UpdatedWebhook,
  Webhook,
};

export type DeliveryStatus = DeliverySummary['status'];
export type SigningScheme = Webhook['signing'][number];
export type Policy = Webhook['policy'];

/** Who is signed in. `portal` is a customer with a link to one project. */
export interface Session {
  role: 'admin' | 'owner' | 'reader' | 'sender' | 'portal';
  keyId: string;
  /** The only project that it may see; null: any, chosen by the switcher. */
  projectId: string | null;
  csrfToken: string;
  expiresAt: string;
}
