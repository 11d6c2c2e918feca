import { createHmac, randomBytes } from 'node:crypto';
import { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { Stack, testEnvironment } from '../support/stack';
import { useReceiver } from '../support/use';
import { expectRefusal } from './api/refusal';

const [OWN, OTHER] = [1, 2].map(() => randomBytes(32).toString('base64'));

describe('what is encrypted with a key that a process does not have', () => {
  const receiver = useReceiver();
  const environment = testEnvironment();
  const stacks: Stack[] = [];
  const start = async (keys: Record<string, string>, worker = false): Promise<Stack> => {
    const stack = await Stack.start({ ...environment, ...keys }, { worker });
    stacks.push(stack);
    return stack;
  };
  const headers = { 'X-Api-Key': 'receivers-key' };
  let owner: ApiClient;
  let reader: ApiClient;
  let webhook: { id: string; secret: string };
  /** With its own key, and with another one. */
  let right: Stack;
  let wrong: Stack;

  beforeAll(async () => {
    right = await start({ POSTHORN_ENCRYPTION_KEY: OWN! });
    const project = await right.project();
    owner = project.client;
    reader = await right.client(project.id, 'reader');
    webhook = await makeWebhook(owner, receiver.url, { headers });
    wrong = await start({ POSTHORN_ENCRYPTION_KEY: OTHER! }, true);
  });
  afterAll(async () => {
    for (const stack of stacks) await stack.stop();
  });
  const by = ({ url }: Stack, { key }: ApiClient = owner): ApiClient => new ApiClient(url, key);
  const at = (action = ''): string => `/v1/webhooks/${webhook.id}${action}`;

  it('leaves webhooks to be listed, shown and changed, with null for their headers', async () => {
    const asked = by(wrong);
    const listed = await asked.get('/v1/webhooks');
    expect(listed.body.data.webhooks).toMatchObject([{ id: webhook.id, headers: null }]);
    const answers = [
      await asked.get(at()),
      await by(wrong, reader).get(at()),
      await asked.patch(at(), { name: 'Renamed' }),
      await asked.post(at('/pause')),
      await asked.post(at('/resume')),
    ];
    for (const { status, body } of answers) {
      expect([status, body.data]).toEqual([200, expect.objectContaining({ headers: null })]);
    }
    // Nothing of it is lost where the key is known.
    expect((await owner.get(at())).body.data).toMatchObject({ name: 'Renamed', headers });
  });

  it('is refused where the secret itself is needed', async () => {
    expectRefusal(await by(wrong).get(at('/secret')), 'secret_unreadable');
    expect((await owner.get(at('/secret'))).body.data).toEqual({ secret: webhook.secret });
  });

  it('lets no provider’s report pass unverified', async () => {
    const { id, client } = await right.project({ profile: 'platform' });
    await right.admin.patch(`/v1/projects/${id}`, { providerKeys: { mailgun: 'signing-key' } });
    const reported = await by(wrong, client).post('/api/webhooks/mailgun', {});
    expectRefusal(reported, 'secret_unreadable');
  });

  it('is replaced by rotating the secret and setting the headers again', async () => {
    const asked = by(wrong);
    const rotated = await asked.post(at('/secret/rotate'), {});
    expect(rotated.status).toBe(200);
    const { secret } = rotated.body.data;
    expect((await asked.get(at('/secret'))).body.data).toEqual({ secret });
    const patched = await asked.patch(at(), { headers: { 'X-Api-Key': 'another' } });
    expect(patched.body.data.headers).toEqual({ 'X-Api-Key': 'another' });

    await deliveryWith(asked, await postEvent(asked), { status: 'succeeded' });
    const { headers: sent, rawBody } = receiver.requests.at(-1)!;
    expect(sent).toMatchObject({
      'x-api-key': 'another',
      'x-webhook-signature': createHmac('sha256', secret).update(rawBody).digest('hex'),
    });
    // The old one can sign nothing, so it has no overlap.
    expect(sent).not.toHaveProperty('x-webhook-signature-previous');
  });
});
