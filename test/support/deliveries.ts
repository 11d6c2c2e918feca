import type { ApiClient } from './api-client';
import { eventually } from './eventually';
import { emailSent } from './samples';

/** Makes a webhook for all events. */
export async function makeWebhook(
  client: ApiClient,
  url: string,
  settings: Record<string, unknown> = {},
): Promise<{ id: string; secret: string; publicKey?: string }> {
  const { status, body } = await client.post('/v1/webhooks', {
    name: 'Test',
    url,
    events: ['*'],
    ...settings,
  });
  if (status !== 201)
    throw new Error(`the webhook was answered ${status}: ${JSON.stringify(body)}`);
  return body.data as { id: string; secret: string; publicKey?: string };
}

/** Posts an `email.sent` and answers its one delivery's id. */
export async function postEvent(client: ApiClient): Promise<string> {
  const posted = await client.typed.postEvent({
    body: { type: 'email.sent', data: emailSent },
  });
  // Without an id the list would be of all events.
  if (!posted.data) throw new Error(`the event was answered ${posted.response.status}`);
  const eventId = posted.data.data.id;
  return eventually('the event is fanned out', async () => {
    const query = { eventId };
    const list = await client.typed.listDeliveries({ query });
    return list.data?.data.deliveries[0]?.id;
  });
}

/** Waits until the delivery looks like `expected`, and answers it whole. */
export async function deliveryWith(
  client: ApiClient,
  id: string,
  expected: Record<string, unknown>,
  timeoutMs?: number,
  // oxlint-disable-next-line typescript/no-explicit-any
): Promise<any> {
  return eventually(
    `delivery is ${JSON.stringify(expected)}`,
    async () => {
      const { data } = (await client.get(`/v1/deliveries/${id}`)).body;
      return Object.entries(expected).every(([name, value]) => data[name] === value) && data;
    },
    timeoutMs,
  );
}
