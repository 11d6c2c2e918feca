import { patternsFor } from '../../src/domain/subscription';
import type { WebhookRecord } from '../../src/store/webhook-record';

/**
 * A project's webhooks by what they are subscribed to: an event's cost depends on its subscribers, however many
 * others there are.
 */
export class Subscriptions {
  private readonly webhooks = new Map<string, WebhookRecord>();
  private readonly byPattern = new Map<string, Map<string, WebhookRecord>>();

  /** Adds a webhook, or replaces it after a change. */
  put(webhook: WebhookRecord): void {
    this.remove(webhook._id);
    this.webhooks.set(webhook._id, webhook);
    for (const pattern of webhook.events) {
      const subscribed = this.byPattern.get(pattern);
      if (subscribed) subscribed.set(webhook._id, webhook);
      else this.byPattern.set(pattern, new Map([[webhook._id, webhook]]));
    }
  }

  remove(id: string): void {
    for (const pattern of this.webhooks.get(id)?.events ?? []) {
      const subscribed = this.byPattern.get(pattern);
      subscribed?.delete(id);
      if (subscribed?.size === 0) this.byPattern.delete(pattern);
    }
    this.webhooks.delete(id);
  }

  /** Those that get events of that type, oldest first. */
  of(type: string): WebhookRecord[] {
    const found = new Map<string, WebhookRecord>();
    for (const pattern of patternsFor(type)) {
      for (const [id, webhook] of this.byPattern.get(pattern) ?? []) found.set(id, webhook);
    }
    return [...found.values()].toSorted((a, b) => (a._id < b._id ? -1 : 1));
  }
}
