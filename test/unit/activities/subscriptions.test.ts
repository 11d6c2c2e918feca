import { Subscriptions } from '../../../activities/courier/subscriptions';
import type { WebhookRecord } from '../../../src/store/webhook-record';

const OTHERS = 10_000;

const webhook = (_id: string, events: string[]): WebhookRecord =>
  ({ _id, events }) as unknown as WebhookRecord;

describe('the subscriptions that a courier knows', () => {
  const idsOf = (subscriptions: Subscriptions, type: string): string[] =>
    subscriptions.of(type).map(({ _id }) => _id);

  it('are those of the type, of its families, and of all, oldest first and each once', () => {
    const subscriptions = new Subscriptions();
    subscriptions.put(webhook('wh_4', ['*', 'email.*', 'email.sent']));
    subscriptions.put(webhook('wh_1', ['email.sent']));
    subscriptions.put(webhook('wh_3', ['email.*']));
    subscriptions.put(webhook('wh_2', ['email.opened', 'contact.*']));
    subscriptions.put(webhook('wh_5', ['webhook.disabled']));
    expect(idsOf(subscriptions, 'email.sent')).toEqual(['wh_1', 'wh_3', 'wh_4']);
    expect(idsOf(subscriptions, 'contact.created')).toEqual(['wh_2', 'wh_4']);
    // Nobody gets these by a pattern.
    expect(idsOf(subscriptions, 'webhook.disabled')).toEqual(['wh_5']);
  });

  it('follow changes and deletions', () => {
    const subscriptions = new Subscriptions();
    subscriptions.put(webhook('wh_1', ['email.sent']));
    const changed = webhook('wh_1', ['email.opened']);
    subscriptions.put(changed);
    expect(subscriptions.of('email.sent')).toEqual([]);
    expect(subscriptions.of('email.opened')).toEqual([changed]);
    subscriptions.remove('wh_1');
    subscriptions.remove('wh_2');
    expect(subscriptions.of('email.opened')).toEqual([]);
  });

  it(`cost nothing of ${OTHERS} webhooks that are subscribed to something else`, () => {
    const subscriptions = new Subscriptions();
    let reads = 0;
    for (let n = 0; n < OTHERS; n += 1) {
      const other = webhook(`wh_${n}`, []);
      Object.defineProperty(other, 'events', {
        get: () => {
          reads += 1;
          return ['email.opened', 'contact.*'];
        },
      });
      subscriptions.put(other);
    }
    subscriptions.put(webhook('wh_one', ['email.sent']));
    reads = 0;
    expect(idsOf(subscriptions, 'email.sent')).toEqual(['wh_one']);
    expect(reads).toBe(0);
  });
});
