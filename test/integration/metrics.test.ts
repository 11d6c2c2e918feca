import { expectRefusal } from './api/refusal';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { Receiver } from '../support/receiver';
import { Stack, testEnvironment } from '../support/stack';

/** The numbers of a Prometheus text, by name and labels as they are written. */
const parse = (text: string): Map<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const space = line.lastIndexOf(' ');
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
  );

describe('metrics', () => {
  let environment: Record<string, string>;
  let stack: Stack;
  let receiver: Receiver;
  let worker: RoleProcess;
  let workerMetrics: string;

  beforeAll(async () => {
    const address = `127.0.0.1:${await freePort()}`;
    workerMetrics = `http://${address}/metrics`;
    environment = testEnvironment({ METRICS_ADDRESS: address });
    stack = await Stack.start(environment, { worker: false });
    receiver = await Receiver.start();
    worker = RoleProcess.start('worker', environment);
    await worker.logged('RUNNING');
  });
  afterAll(async () => {
    await worker.end('SIGKILL');
    await Promise.all([stack.stop(), receiver.close()]);
  });

  const ofApi = async (): Promise<string> => {
    const response = await fetch(`${stack.url}/metrics`, {
      headers: { authorization: `Bearer ${stack.admin.key}` },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    return response.text();
  };
  const ofWorker = async (): Promise<string> => (await fetch(workerMetrics)).text();

  it('are for the admin key alone', async () => {
    const { client } = await stack.project();
    expectRefusal(await client.get('/metrics'), 'forbidden');
    expectRefusal(
      await client.with({ authorization: 'Bearer nobody' }).get('/metrics'),
      'unauthorized',
    );
  });

  it('count events and requests in the API, attempts and ended deliveries in the worker', async () => {
    const before = parse(await ofApi()).get('posthorn_events_accepted_total')!;
    const project = await stack.project({ policy: { retryDelaysMs: [1000] } });
    const { client } = project;
    const { id: webhookId, secret } = await makeWebhook(client, receiver.url);
    receiver.respondWith((_request, n) => (n === 1 ? 503 : 200));
    const id = await postEvent(client);
    await deliveryWith(client, id, { status: 'succeeded' });
    await client.get('/v1/webhooks/wh_0/secret');
    await client.get(`/v1/projects/${project.id}/keys/`);
    await client.get('/v1/no/such/route');

    const api = await ofApi();
    const ofTheWorker = await eventually('the worker has counted it', async () => {
      const text = await ofWorker();
      const ended = parse(text).get('posthorn_deliveries_ended_total{status="succeeded"}');
      return ended === 1 && text;
    });
    const numbers = new Map([...parse(api), ...parse(ofTheWorker)]);
    expect(parse(api).get('posthorn_events_accepted_total')).toBe(before + 1);
    const requests = (labels: string): number | undefined =>
      parse(api).get(`posthorn_http_request_duration_seconds_count{${labels}}`);
    expect(requests('method="POST",route="/v1/events",status="202"')).toBe(1);
    expect(requests('method="GET",route="/v1/deliveries/:id",status="200"')).toBeGreaterThan(0);
    expect(requests('method="GET",route="/v1/webhooks/:id/secret",status="404"')).toBe(1);
    expect(requests('method="GET",route="/v1/projects/:id/keys",status="200"')).toBe(1);
    expect(requests('method="GET",route="none",status="404"')).toBe(1);
    expect(numbers.get('posthorn_attempt_duration_seconds_count{result="5xx"}')).toBe(1);
    expect(numbers.get('posthorn_attempt_duration_seconds_count{result="2xx"}')).toBe(1);
    expect(parse(ofTheWorker).get('posthorn_deliveries_ended_total{status="succeeded"}')).toBe(1);
    expect(numbers.has('process_cpu_seconds_total')).toBe(true);

    for (const text of [api, ofTheWorker]) {
      for (const word of [id, webhookId, secret, client.key, stack.admin.key, '127.0.0.1']) {
        expect(text).not.toContain(word);
      }
      expect(text).not.toMatch(/(?:proj|key|wh|evt|dlv|rpl)_[0-9a-f]/);
    }
  });

  it('count what reconcile has repaired', async () => {
    const { client } = await stack.project();
    await makeWebhook(client, receiver.url);
    const spy = jest.spyOn(stack.engine, 'startFanOut');
    spy.mockRejectedValueOnce(new Error('died'));
    const { body } = await client.post('/v1/events', {
      type: 'contact.created',
      data: { email: 'ada@example.org' },
    });
    spy.mockRestore();
    const mended = async (): Promise<number> =>
      parse(await ofApi()).get('posthorn_reconcile_repaired_total{kind="events"}') ?? 0;
    const before = await mended();
    await stack.reconcile();
    expect(await mended()).toBe(before + 1);
    await eventually('it is delivered', async () => {
      const { deliveries } = (await client.get(`/v1/events/${body.data.id}`)).body.data;
      return deliveries[0]?.status === 'succeeded';
    });
  });
});
