import { newId } from '../../../src/contracts/ids';
import type { WebhookRecord } from '../../../src/store/webhook-record';
import type { ApiClient } from '../../support/api-client';
import { makeWebhook } from '../../support/deliveries';
import { useStack } from '../../support/use';
import { expectRefusal } from './refusal';

describe('lists of webhooks', () => {
  const stack = useStack({}, { worker: false });

  const names = async (client: ApiClient, query: string): Promise<string[]> => {
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await client.get(`/v1/webhooks?limit=2&${query}${page}`);
      found.push(...body.data.webhooks.map(({ name }: { name: string }) => name));
      cursor = body.data.nextCursor;
    } while (cursor !== null);
    return found;
  };
  const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
  /** Name, host, and what is known of it. */
  const WEBHOOKS: [string, string, Partial<WebhookRecord>][] = [
    ['Orders 10', 'shop.example.com', { failureCount: 2, lastFailedAt: at(5) }],
    ['Orders 9', 'shop.example.com', { lastSuccessAt: at(9) }],
    ['billing', 'pay.example.com', { isPaused: true, failureCount: 7, lastFailedAt: at(9) }],
    ['Audit (a+b)', 'audit.example.com', { isActive: false, disabledReason: 'manual' }],
    ['Émile', 'example.com', { lastSuccessAt: at(4) }],
  ];
  let client: ApiClient;

  beforeAll(async () => {
    ({ client } = await stack.project());
    const other = await stack.project();
    await makeWebhook(other.client, 'https://shop.example.com/hooks', { name: 'Orders 11' });
    for (const [name, host, state] of WEBHOOKS) {
      const { id } = await makeWebhook(client, `https://${host}/hooks`, { name });
      await stack.store.webhooks.model.updateOne({ _id: id }, { $set: state });
    }
  });

  it('are found by a part of their name or URL, in any case and as text', async () => {
    expect(await names(client, 'q=orders')).toEqual(['Orders 9', 'Orders 10']);
    expect(await names(client, 'q=SHOP.example')).toEqual(['Orders 9', 'Orders 10']);
    expect(await names(client, 'q=%20pay.%20')).toEqual(['billing']);
    expect(await names(client, `q=${encodeURIComponent('(A+B)')}`)).toEqual(['Audit (a+b)']);
    expect(await names(client, 'q=.*')).toEqual([]);
    expect(await names(client, 'q=%C3%A9mi')).toEqual(['Émile']);
    expect(await names(client, `q=${'a'.repeat(200)}`)).toEqual([]);
  });

  it('are found by their URL as it is stored, and as it was given', async () => {
    const { client: own } = await stack.project();
    await makeWebhook(own, 'https://example.com/grüße/{id}', { name: 'A' });
    for (const part of ['/grüße/{id}', '/gr%C3%BC%C3%9Fe/%7bid', 'example.com/gr']) {
      const q = encodeURIComponent(part);
      expect([part, await names(own, `q=${q}`)]).toEqual([part, ['A']]);
    }
  });

  it('are found by their whole id or externalId', async () => {
    const { body } = await client.get('/v1/webhooks?q=billing');
    const [{ id }] = body.data.webhooks;
    await client.patch(`/v1/webhooks/${id}`, { externalId: 'till-7' });
    expect(await names(client, `q=${id}`)).toEqual(['billing']);
    expect(await names(client, 'q=till-7')).toEqual(['billing']);
    expect(await names(client, 'q=till-')).toEqual([]);
  });

  it('are filtered by their health, alone and with others', async () => {
    expect(await names(client, 'state=failing')).toEqual(['Orders 10']);
    expect(await names(client, 'state=healthy')).toEqual(['Émile', 'Orders 9']);
    expect(await names(client, 'state=paused,disabled')).toEqual(['Audit (a+b)', 'billing']);
    expect(await names(client, 'state=failing,healthy&q=orders')).toEqual([
      'Orders 9',
      'Orders 10',
    ]);
    const { body } = await client.get('/v1/webhooks?state=failing');
    expect(body.data.webhooks[0].health.state).toBe('failing');
  });

  it('are sorted, page by page', async () => {
    const byAge = WEBHOOKS.map(([name]) => name);
    expect(await names(client, '')).toEqual(byAge.toReversed());
    expect(await names(client, 'order=asc')).toEqual(byAge);
    const byName = ['Audit (a+b)', 'billing', 'Émile', 'Orders 9', 'Orders 10'];
    expect(await names(client, 'sort=name')).toEqual(byName);
    expect(await names(client, 'sort=name&order=desc')).toEqual(byName.toReversed());
    expect(await names(client, 'sort=failureCount')).toEqual([
      'billing',
      'Orders 10',
      'Émile',
      'Audit (a+b)',
      'Orders 9',
    ]);
    expect((await names(client, 'sort=lastFailedAt')).slice(0, 2)).toEqual([
      'billing',
      'Orders 10',
    ]);
    expect((await names(client, 'sort=lastSuccessAt')).slice(0, 2)).toEqual(['Orders 9', 'Émile']);
  });

  it.each([
    ['failureCount', { failureCount: 0 }],
    ['lastFailedAt', { lastFailedAt: at(99) }],
    ['lastSuccessAt', { lastSuccessAt: at(0) }],
    ['name', { name: 'zzz' }],
  ])('by %s go on where a page ended, wherever its last webhook is now', async (sort, moved) => {
    const { client: own, id: projectId } = await stack.project();
    const { model } = stack.store.webhooks;
    for (let n = 0; n < 5; n += 1) {
      const { id } = await makeWebhook(own, 'https://example.com/', { name: `W${n}` });
      const state = { failureCount: 9 - n, lastFailedAt: at(9 - n), lastSuccessAt: at(9 - n) };
      await model.updateOne({ _id: id }, { $set: state });
    }
    const page = async (cursor = ''): Promise<{ shown: string[]; next: string }> => {
      const { data } = (await own.get(`/v1/webhooks?limit=2&sort=${sort}${cursor}`)).body;
      const shown = data.webhooks.map(({ name }: { name: string }) => name);
      return { shown, next: `&cursor=${data.nextCursor}` };
    };
    const first = await page();
    expect(first.shown).toEqual(['W0', 'W1']);
    await model.updateOne({ name: 'W1', projectId }, { $set: moved });
    const { shown, next } = await page(first.next);
    expect(shown).toEqual(['W2', 'W3']);
    await model.deleteOne({ name: 'W3', projectId });
    expect((await page(next)).shown[0]).toBe('W4');
  });

  it('refuse what is not known, and a cursor of another order', async () => {
    for (const query of [
      'state=broken',
      'sort=url',
      'q=a%00b',
      'order=up',
      'q=',
      `q=${'a'.repeat(201)}`,
    ]) {
      const field = query.slice(0, query.indexOf('='));
      expectRefusal(await client.get(`/v1/webhooks?${query}`), 'validation_failed', [field]);
    }
    const id = newId('webhook');
    const [number, text] = ['7', '"a"'].map((json) => Buffer.from(json).toString('base64url'));
    for (const query of [
      `sort=name&cursor=${id}`,
      `sort=name&cursor=${id}.${number}`,
      `sort=failureCount&cursor=${id}.${text}`,
      `sort=failureCount&cursor=${id}.AAAA`,
      `cursor=${id}.${number}`,
      `order=asc&cursor=${id}.${number}`,
      `sort=name&cursor=${id}.`,
      `sort=name&cursor=.${text}`,
    ]) {
      expectRefusal(await client.get(`/v1/webhooks?${query}`), 'validation_failed', ['cursor']);
    }
  });
});
