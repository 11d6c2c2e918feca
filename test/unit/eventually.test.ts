import { createServer } from 'node:http';
import { mongo } from 'mongoose';
import { ApiClient } from '../support/api-client';
import { eventually } from '../support/eventually';
import { useServers } from '../support/foreign-server';

/** What the tests themselves rely on. */
describe('a test that waits', () => {
  const addressOf = useServers();
  const error = { code: 'unavailable', message: 'the database is unavailable', requestId: 'req_1' };
  const refused = [503, { success: false, error }] as const;
  const ready = { status: 'ok', mongodb: 'ok', temporal: 'ok' };

  /** Asks one that gives these answers in turn, and then the last one again. */
  async function waiting(answers: readonly (readonly [number, object])[]) {
    let asked = 0;
    const server = createServer((_request, response) => {
      const [status, body] = answers[Math.min(asked, answers.length - 1)]!;
      asked += 1;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    const client = new ApiClient(`http://${await addressOf(server)}`, 'key');
    return (timeoutMs?: number) =>
      eventually(
        'it is ready',
        async () => (await client.get('/readyz')).body.data.status,
        timeoutMs,
      );
  }

  it('asks an API again when one request is answered 503', async () => {
    const wait = await waiting([refused, [200, { success: true, data: ready }]]);
    expect(await wait()).toBe('ok');
  });

  it('fails with that answer if it lasts', async () => {
    const wait = await waiting([refused]);
    await expect(wait(0)).rejects.toMatchObject({
      message: 'did not happen within 0 ms: it is ready',
      cause: expect.objectContaining({
        message: expect.stringMatching(/GET .+readyz was answered 503: .+is unavailable/),
      }),
    });
  });

  it('calls a store again that MongoDB has failed once', async () => {
    const failing = jest
      .fn(() => 'stored')
      .mockImplementationOnce(() => {
        throw new mongo.MongoNetworkError('connection closed');
      });
    expect(await eventually('it is stored', failing)).toBe('stored');
  });

  it('fails at once with anything else', async () => {
    const failing = jest.fn(() => {
      throw new TypeError('a mistake');
    });
    await expect(eventually('it is stored', failing)).rejects.toThrow('a mistake');
    expect(failing).toHaveBeenCalledTimes(1);
  });
});
