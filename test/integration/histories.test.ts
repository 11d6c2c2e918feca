import type { Client } from '@temporalio/client';
import { deliveryWith, makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { historiesOf } from '../support/histories';
import { emailSent } from '../support/samples';
import { useReceiver, useStack } from '../support/use';

/** Values that are found nowhere else, each in a place that must stay out of Temporal. */
const MARKS = {
  payload: 'mark-payload@example.org',
  payloadValue: 'mark-subject',
  url: 'mark-path',
  query: 'mark-query',
  header: 'mark-header-value',
  description: 'mark-description',
  responseBody: 'mark-response-body',
  responseHeader: 'mark-response-header',
  filter: 'mark-filter',
};

describe('what Temporal keeps', () => {
  const stack = useStack();
  const receiver = useReceiver();
  let temporal: Client;

  beforeAll(async () => {
    temporal = await stack.connectTemporal();
  });
  afterAll(async () => {
    await temporal.connection.close();
  });

  it('is ids, names and statuses: never a payload, an address, a header, a secret or an answer', async () => {
    const { client } = await stack.project({
      profile: 'custom',
      policy: { retryDelaysMs: [1000] },
    });
    await client.send('PUT', '/v1/event-types/email.sent', {
      description: 'A sent e-mail',
      schema: { type: 'object' },
      sample: emailSent,
    });
    receiver.respondWith((_request, n) => ({
      kind: 'answer',
      status: [500, 200][n - 1] ?? 200,
      headers: { 'x-mark': MARKS.responseHeader },
      body: MARKS.responseBody,
    }));
    const webhook = await makeWebhook(client, `${receiver.url}/${MARKS.url}?q=${MARKS.query}`, {
      name: 'Orders',
      description: MARKS.description,
      headers: { 'X-Customer': MARKS.header },
      secret: `whsec_${Buffer.from('a secret that the caller brings').toString('base64')}`,
      signing: ['hex', 'standard', 'standard-ed25519'],
      filter: { 'data.subject': { $ne: MARKS.filter } },
    });
    const rotated = await client.post(`/v1/webhooks/${webhook.id}/secret/rotate`);
    const secrets = [webhook.secret, rotated.body.data.secret as string];

    const event = await client.post('/v1/events', {
      type: 'email.sent',
      data: { ...emailSent, to: { email: MARKS.payload }, subject: MARKS.payloadValue },
    });
    const id = await eventually('the event is fanned out', async () => {
      const list = await client.get(`/v1/deliveries?eventId=${event.body.data.id}`);
      return list.body.data.deliveries[0]?.id as string | undefined;
    });
    await deliveryWith(client, id, { status: 'succeeded', attemptCount: 2 });
    await client.post(`/v1/deliveries/${id}/replay`);
    await deliveryWith(client, id, { status: 'succeeded', replays: 1 });
    await client.post('/v1/replays', {
      statuses: ['succeeded'],
      since: new Date(Date.now() - 3_600_000).toISOString(),
      until: new Date(Date.now() + 1000).toISOString(),
    });
    const { attempts } = await deliveryWith(client, id, { status: 'succeeded', replays: 2 });

    // All marks went over the wire, or were kept: what is missing from the histories is not just unsent.
    const [request] = receiver.requests;
    const wire = JSON.stringify([request!.path, request!.headers, request!.rawBody.toString()]);
    for (const mark of [MARKS.payload, MARKS.payloadValue, MARKS.url, MARKS.query, MARKS.header]) {
      expect(wire).toContain(mark);
    }
    expect(attempts[0].responseBody).toBe(MARKS.responseBody);
    const signatures = attempts.map(
      ({ requestHeaders }: { requestHeaders: Record<string, string> }) => requestHeaders,
    );

    const kept = await eventually('all runs are listed', async () => {
      const found = await historiesOf(temporal);
      const of = (kind: string) => [...found.keys()].filter((key) => key.startsWith(kind)).length;
      return of('delivery/') === 3 && of('event/') > 0 && of('replay/') > 0 && found;
    });
    const text = [...kept.values()].join('\n');
    // It was looked at decoded, and with its summaries.
    expect(text).toContain('"email.sent → Orders"');
    expect(text).toContain(`"deliveryId":"${id}"`);
    expect(text).toContain('attempt 1 failed: 500');
    for (const forbidden of [
      ...Object.values(MARKS),
      ...secrets,
      ...secrets.map((secret) => secret.replace('whsec_', '')),
      ...signatures.flatMap((headers: Record<string, string>) =>
        Object.entries(headers)
          .filter(([name]) => name.toLowerCase().includes('signature'))
          .map(([, value]) => value),
      ),
      stack.admin.key,
      client.key,
      receiver.url,
      emailSent.from,
    ]) {
      expect(text).not.toContain(forbidden);
    }
  });

  it('is found by its ids and statuses: the fan-out of an event, and each delivery as its child', async () => {
    const { client, id: projectId } = await stack.project();
    const orders = await makeWebhook(client, receiver.url, { name: 'Orders' });
    await makeWebhook(client, receiver.url);
    receiver.respondWith(200);
    await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    const { id, eventId } = await eventually('it is delivered', async () => {
      const list = await client.get(`/v1/deliveries?webhookId=${orders.id}&status=succeeded`);
      return list.body.data.deliveries[0] as { id: string; eventId: string } | undefined;
    });

    const found = async (query: string) => {
      const executions = [];
      for await (const execution of temporal.workflow.list({ query })) executions.push(execution);
      return executions;
    };
    const query = `PosthornWebhookId = "${orders.id}" AND PosthornDeliveryStatus = "succeeded"`;
    const [delivery] = await eventually('it is listed', async () => {
      const executions = await found(query);
      return executions.length === 1 && executions;
    });
    expect(delivery).toMatchObject({
      type: 'deliverWebhook',
      workflowId: `delivery/${id}`,
      taskQueue: 'posthorn',
      searchAttributes: {
        PosthornProjectId: [projectId],
        PosthornWebhookId: [orders.id],
        PosthornEventType: ['email.sent'],
        PosthornEventId: [eventId],
        PosthornDeliveryStatus: ['succeeded'],
      },
    });
    expect(delivery!.raw.parentExecution?.workflowId).toBe(`event/${eventId}`);
    const described = await temporal.workflow.getHandle(`delivery/${id}`).describe();
    expect(await described.staticSummary()).toBe('email.sent → Orders');
    const ofEvent = await eventually('all are listed', async () => {
      const executions = await found(`PosthornEventId = "${eventId}"`);
      return executions.length === 3 && executions;
    });
    expect(ofEvent.map(({ type }) => type).toSorted()).toEqual([
      'deliverWebhook',
      'deliverWebhook',
      'fanOutEvent',
    ]);
  });
});
