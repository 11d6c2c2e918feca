import type { Socket } from 'node:net';
import { metrics } from '../../../src/metrics';
import { say } from '../../support/connections';
import { makeWebhook } from '../../support/deliveries';
import { eventually } from '../../support/eventually';
import { useStack } from '../../support/use';
import { expectRefusal } from './refusal';

const HELD_MIB = 4;
const HELD_BYTES = HELD_MIB * 1024 * 1024;

const stack = useStack({ POSTHORN_MAX_HELD_MIB: String(HELD_MIB) }, { worker: false });
const sockets: Socket[] = [];
afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));

/** A request whose body does not come: it holds all that the key may have. */
async function fill(key: string): Promise<void> {
  const head = `POST /v1/events/batch HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${HELD_BYTES}\r\n\r\n`;
  sockets.push(await say(Number(new URL(stack.url).port), head));
  await eventually('everything is held', async () => {
    const text = await metrics.getSingleMetricAsString('posthorn_http_held_bytes');
    return text.includes(` ${HELD_BYTES}`);
  });
}

describe('the answer to a request that is audited', () => {
  it('is refused where there is no room for it by then, and not recorded', async () => {
    const { id: projectId, client } = await stack.project();
    const webhook = await makeWebhook(client, 'https://example.com/');
    const path = `/v1/webhooks/${webhook.id}/secret`;
    const revealed = () =>
      stack.store.audit.model.find({ projectId, action: 'webhook.secret_revealed' }).lean();

    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const { audit } = stack.store;
    const insert = jest.spyOn(audit, 'insert').mockImplementationOnce(async (...args) => {
      await gate;
      return Object.getPrototypeOf(audit).insert.apply(audit, args);
    });
    const answer = client.get(path);
    await eventually('it is worked at', () => insert.mock.calls.length === 1);
    await fill(client.key);
    goOn();

    const refused = await answer;
    expectRefusal(refused, 'rate_limited');
    expect(refused.body.error.message).toContain('fill the allowed 4 MiB');
    expect(await revealed()).toEqual([]);
    insert.mockRestore();

    sockets.splice(0).forEach((socket) => socket.destroy());
    await eventually('there is room', async () => (await client.get(path)).status === 200);
    expect(await revealed()).toMatchObject([{ outcome: 'done', target: webhook.id }]);
  });
});
