import { domainToUnicode } from 'node:url';
import { pino } from 'pino';
import { Mailer } from '../../src/mail/mailer';
import { sendOwnerMails } from '../../activities/send-mails';
import type { ApiClient } from '../support/api-client';
import { deliveryWith, makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { intercept } from '../support/intercept';
import { MailServer } from '../support/mail-server';
import { Stack } from '../support/stack';
import { selfSignedCertificate } from '../support/tls-certificates';
import { useFreshReceiver } from '../support/use';

const OWNER = 'owner@customer.example';
const FROM = 'posthorn@operator.example';
const RECEPTION = {
  account_id: 'acc_1',
  event: 'on_reception',
  from: 'shop@example.com',
  recipient: 'ada@example.org',
  subject: 'Hello',
  message_id_header: '<1@example.com>',
  id: 'msg_1',
};

describe('mails to the owner of a failing webhook', () => {
  let mailServer: MailServer;
  let stack: Stack;
  const receiver = useFreshReceiver();
  let client: ApiClient;
  let projectId: string;

  beforeAll(async () => {
    mailServer = await MailServer.start();
    stack = await Stack.start({ SMTP_URL: mailServer.url, MAIL_FROM: `Posthorn <${FROM}>` });
  });
  afterAll(async () => {
    await stack.stop();
    await mailServer.close();
  });
  beforeEach(async () => {
    mailServer.mails.length = 0;
    await stack.store.mails.model.deleteMany({});
    mailServer.refuseWith = 0;
    ({ client, id: projectId } = await stack.project({
      profile: 'ahasend',
      ownerEmail: OWNER,
      policy: { autoDisableAfter: 4, retryDelaysMs: [1000, 1000, 1000] },
    }));
  });

  /** Posts an event and waits until its delivery has ended so. */
  async function deliver(status: string): Promise<void> {
    const data = { type: 'message.reception', data: RECEPTION };
    const eventId = (await client.post('/v1/events', data)).body.data.id as string;
    const id = await eventually('it is fanned out', async () => {
      const { body } = await client.get(`/v1/deliveries?eventId=${eventId}`);
      return body.data.deliveries[0]?.id as string | undefined;
    });
    await deliveryWith(client, id, { status });
  }

  const webhookOf = async (id: string) => (await client.get(`/v1/webhooks/${id}`)).body.data;

  /** Once everything is counted that an ended delivery has to follow. */
  const disabled = (id: string) =>
    eventually('it is disabled', async () => !(await webhookOf(id)).isActive);

  const outbox = () => stack.store.mails.model.find({ projectId }).sort({ _id: 1 }).lean();

  it('warn at 50 and 75 % of the threshold and report the disabling, each once', async () => {
    receiver.respondWith(500);
    const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
    await deliver('failed');
    await disabled(id);
    await Promise.all([stack.reconcile(), stack.reconcile()]);
    await eventually('three mails have come', () => mailServer.mails.length >= 3);
    await stack.reconcile();

    expect(mailServer.subjects()).toHaveLength(3);
    expect(mailServer.subjects()).toEqual(
      expect.arrayContaining([
        'Webhook "Orders": 2 attempts in a row failed',
        'Webhook "Orders": 3 attempts in a row failed',
        'Webhook "Orders" was disabled',
      ]),
    );
    for (const mail of mailServer.mails) {
      expect(mail).toMatchObject({ from: FROM, recipients: [OWNER] });
      expect(mail.headers.get('to')).toBe(OWNER);
      expect(mail.headers.get('from')).toBe(`Posthorn <${FROM}>`);
      expect(mail.text).toContain(`The webhook "Orders" (${id})`);
      expect(mail.text).toContain(projectId);
    }
    expect(new Set(mailServer.mails.map(({ headers }) => headers.get('message-id'))).size).toBe(3);
    expect(await outbox()).toHaveLength(3);
  });

  it.each([
    [500, 'counting and warning', () => jest.spyOn(stack.store.webhookHealth, 'noteWarning')],
    [500, 'warning and writing the mail', () => jest.spyOn(stack.store.mails, 'insert')],
    [410, 'disabling and writing the mail', () => jest.spyOn(stack.store.mails, 'insert')],
    [
      410,
      'writing the mail and its commit',
      () => jest.spyOn(stack.store.webhooks, 'hasSubscriber'),
    ],
  ])('after a %d are all written if the worker dies between %s', async (status, _at, spyOn) => {
    receiver.respondWith(status);
    const { id } = await makeWebhook(client, receiver.url);
    const spy = spyOn().mockRejectedValueOnce(new Error('the process died'));
    await deliver('failed');
    await disabled(id);
    expect(spy.mock.calls.length).toBeGreaterThan(1);
    spy.mockRestore();
    const written = (await outbox()).map(({ warning }) => warning);
    expect(written).toEqual(status === 410 ? [null] : [50, 75, null]);
  });

  it('start afresh after a success', async () => {
    const { id } = await makeWebhook(client, receiver.url, { policy: { retryDelaysMs: [1000] } });
    receiver.respondWith(500);
    await deliver('failed');
    await eventually('both are counted', async () => (await outbox()).length === 1);
    receiver.respondWith(200);
    await deliver('succeeded');
    await eventually(
      'the count is reset to 0',
      async () => (await webhookOf(id)).failureCount === 0,
    );
    receiver.respondWith(500);
    await deliver('failed');
    await eventually('the second warning is written', async () => (await outbox()).length === 2);
    expect((await outbox()).map(({ warning, failureCount }) => [warning, failureCount])).toEqual([
      [50, 2],
      [50, 2],
    ]);
    expect(await webhookOf(id)).toMatchObject({ isActive: true, failureCount: 2 });
  });

  it('report a 410 each time, if it was enabled in between', async () => {
    receiver.respondWith(410);
    const { id } = await makeWebhook(client, receiver.url, { name: 'Gone' });
    for (const count of [1, 2]) {
      await deliver('failed');
      await disabled(id);
      await stack.reconcile();
      expect(mailServer.subjects()).toEqual(Array(count).fill('Webhook "Gone" was disabled'));
      const enabled = await client.patch(`/v1/webhooks/${id}`, { isActive: true });
      expect(enabled.body.data).toMatchObject({
        isActive: true,
        failureCount: 0,
        disabledReason: null,
      });
    }
    expect(mailServer.mails[0]!.text).toContain('410 Gone');
    receiver.respondWith(200);
    await deliver('succeeded');
  });

  it('let no name of a webhook or project add a header, a recipient or a line', async () => {
    const hostile = 'Orders"\r\nBcc: victim@example.com\r\n\r\nClick here\u2028now\u202e';
    receiver.respondWith(410);
    const { id } = await makeWebhook(client, receiver.url, { name: 'x' });
    await stack.store.webhooks.model.updateOne({ _id: id }, { $set: { name: hostile } });
    await stack.store.projects.model.updateOne({ _id: projectId }, { $set: { name: hostile } });
    await deliver('failed');
    await disabled(id);
    await stack.reconcile();
    const [mail] = mailServer.mails;
    expect(mail!.recipients).toEqual([OWNER]);
    expect([...mail!.headers.keys()].toSorted()).toEqual([
      'auto-submitted',
      'content-transfer-encoding',
      'content-type',
      'date',
      'from',
      'message-id',
      'mime-version',
      'subject',
      'to',
    ]);
    const inLine = 'Orders" Bcc: victim@example.com Click here now';
    expect(mail!.headers.get('subject')).toBe(`Webhook "${inLine}" was disabled`);
    expect(mail!.text.split('\n')[0]).toContain(inLine);
  });

  it.each(['jörg@müller.example', '"john.doe"@example.com', 'owner@例子.example'])(
    'go to %s, as events take it',
    async (ownerEmail) => {
      const patched = await stack.admin.patch(`/v1/projects/${projectId}`, { ownerEmail });
      expect(patched.body.data.ownerEmail).toBe(ownerEmail);
      receiver.respondWith(410);
      const { id } = await makeWebhook(client, receiver.url);
      await deliver('failed');
      await disabled(id);
      await stack.reconcile();
      const [, local, domain] = /^(.*)@(.*)$/.exec(ownerEmail)!;
      const [[to]] = mailServer.mails.map(({ recipients }) => recipients) as [[string]];
      // The server has the domain in either form; the mailbox as it is.
      expect([local, domainToUnicode(domain!)]).toEqual([
        to.slice(0, to.lastIndexOf('@')),
        domainToUnicode(to.slice(to.lastIndexOf('@') + 1)),
      ]);
    },
  );

  it('hold no secret, no address of the webhook, no header and no payload', async () => {
    receiver.respondWith({ kind: 'answer', status: 410, body: 'answer-mark' });
    const url = `${receiver.url}/hook?token=url-mark`;
    const webhook = await makeWebhook(client, url, { headers: { 'X-Api-Key': 'header-mark' } });
    await deliver('failed');
    await disabled(webhook.id);
    await stack.reconcile();
    const seen = JSON.stringify([
      ...mailServer.mails.map((m) => ({ ...m, headers: [...m.headers] })),
      await outbox(),
    ]);
    expect(mailServer.mails).toHaveLength(1);
    for (const mark of [
      'answer-mark',
      'url-mark',
      'header-mark',
      webhook.secret,
      'Hello',
      'msg_1',
    ]) {
      expect(seen).not.toContain(mark);
    }
  });

  it.each([
    ['has no address', { profile: 'ahasend', policy: { autoDisableAfter: 2 } }],
    [
      'is of a profile without owner mails',
      { profile: 'platform', ownerEmail: OWNER, policy: { autoDisableAfter: 2 } },
    ],
  ])('are not written where the project %s', async (_why, body) => {
    const quiet = await stack.project(body);
    const { id } = await makeWebhook(quiet.client, receiver.url);
    receiver.respondWith(410);
    await quiet.client.post(`/v1/webhooks/${id}/test`);
    await eventually('it is disabled', async () => {
      return !(await quiet.client.get(`/v1/webhooks/${id}`)).body.data.isActive;
    });
    expect(await stack.store.mails.model.countDocuments({ projectId: quiet.id })).toBe(0);
  });

  describe('whose sending is interrupted', () => {
    const logged: string[] = [];
    const log = pino({ level: 'info' }, { write: (line) => logged.push(line) });

    beforeEach(async () => {
      logged.length = 0;
      receiver.respondWith(410);
      const { id } = await makeWebhook(client, receiver.url, { name: 'Orders' });
      await deliver('failed');
      await disabled(id);
      await eventually('it is written', async () => (await outbox()).length === 1);
    });

    const sendBy = (mailer: Mailer, store = stack.store) =>
      sendOwnerMails({ store, mailer, log }, () => true, new AbortController().signal);
    const mailer = () => new Mailer(mailServer.url, FROM);
    /** As if they were due. */
    const due = () =>
      stack.store.mails.model.updateMany({ sentAt: null }, { $set: { nextTryAt: new Date() } });

    it('by a death before its note, are sent again, under the same id, and then no more', async () => {
      const mails = intercept(stack.store.mails, 'markSent', () =>
        Promise.reject(new Error('the process died')),
      );
      await expect(sendBy(mailer(), intercept(stack.store, 'mails', mails))).rejects.toThrow();
      expect(mailServer.mails).toHaveLength(1);
      // Not while it may still be in progress elsewhere.
      await sendBy(mailer());
      expect(mailServer.mails).toHaveLength(1);
      await due();
      await sendBy(mailer());
      await due();
      await sendBy(mailer());
      const ids = mailServer.mails.map(({ headers }) => headers.get('message-id'));
      expect(ids).toHaveLength(2);
      expect(new Set(ids).size).toBe(1);
    });

    it('refused by an unavailable server are sent when it is back, and the log names no recipient', async () => {
      await sendBy(new Mailer(`smtp://127.0.0.1:${await freePort()}`, FROM));
      expect(await outbox()).toMatchObject([{ sentAt: null, tries: 1 }]);
      expect(JSON.parse(logged[0]!)).toMatchObject({ msg: 'mail not sent', code: 'ESOCKET' });
      expect(logged.join()).not.toContain(OWNER);
      await due();
      await sendBy(mailer());
      expect(mailServer.subjects()).toEqual(['Webhook "Orders" was disabled']);
      expect((await outbox())[0]!.sentAt).not.toBeNull();
    });

    it('are not each tried where the server does not encrypt the login', async () => {
      const [mail] = await outbox();
      await stack.store.mails.model.create({ ...mail!, _id: `${mail!._id}2` });
      await sendBy(new Mailer(mailServer.url.replace('//', '//posthorn:password@'), FROM));
      expect((await outbox()).map(({ tries }) => tries)).toEqual([1, 0]);
    });

    it('by a refusal, come again, later each time', async () => {
      mailServer.refuseWith = 550;
      const waits: number[] = [];
      for (let n = 0; n < 3; n += 1) {
        await due();
        const before = Date.now();
        await sendBy(mailer());
        waits.push((await outbox())[0]!.nextTryAt.getTime() - before);
      }
      expect(waits[0]).toBeGreaterThanOrEqual(60_000);
      expect(waits[1]).toBeGreaterThanOrEqual(120_000);
      expect(waits[2]).toBeGreaterThanOrEqual(240_000);
      expect(JSON.parse(logged[0]!)).toMatchObject({ responseCode: 550 });
    });

    const recipients = () => mailServer.mails.map((mail) => mail.recipients);
    const setOwner = (ownerEmail: string | null) =>
      stack.admin.patch(`/v1/projects/${projectId}`, { ownerEmail });

    it('go to the address that the project has by then', async () => {
      mailServer.refuseWith = 550;
      await sendBy(mailer());
      mailServer.refuseWith = 0;
      await setOwner('right@customer.example');
      await due();
      await sendBy(mailer());
      expect(recipients()).toEqual([['right@customer.example']]);
      expect((await outbox())[0]!.sentAt).not.toBeNull();
    });

    it('go to nobody where the project has no address by then', async () => {
      await setOwner(null);
      await sendBy(mailer());
      expect(await outbox()).toEqual([]);
      expect(recipients()).toEqual([]);
    });

    it('are withdrawn by nobody whose claim has passed to another', async () => {
      const { mails } = stack.store;
      const former = await mails.claim(0, 1);
      const present = await mails.claim(60_000, 1);
      await mails.withdraw(former!);
      expect(await outbox()).toEqual([present]);
      await mails.withdraw(present!);
      expect(await outbox()).toEqual([]);
    });

    it('with the project deleted meanwhile, are not sent', async () => {
      await stack.admin.delete(`/v1/projects/${projectId}`);
      await due();
      await sendBy(mailer());
      expect(mailServer.mails).toEqual([]);
    });
  });
});

describe('a mail server', () => {
  const mail = { id: 'mail_1', to: OWNER, subject: 'Hello', text: 'Hello' };
  const greetingBy = async (host: string, from: string, options = ''): Promise<string> => {
    const server = await MailServer.start();
    expect(await new Mailer(`${server.url}${options}`, from, host).send(mail)).toBeNull();
    await server.close();
    return server.mails[0]!.greeting;
  };

  it.each([
    [FROM, 'operator.example'],
    [`Posthorn <${FROM}>`, 'operator.example'],
    ['Posthorn <posthorn@müller.example>', 'xn--mller-kva.example'],
  ])('is greeted by a container with the domain of the sender %s', async (from, greeting) => {
    expect(await greetingBy('f3a9c2d17b60', from)).toBe(greeting);
  });

  it('is not greeted so by a machine that has a full name', async () => {
    expect(await greetingBy('worker-1.operator.example', FROM)).not.toBe('operator.example');
  });

  it('is greeted with the name in SMTP_URL', async () => {
    const options = '/?name=mail.operator.example';
    expect(await greetingBy('f3a9c2d17b60', FROM, options)).toBe('mail.operator.example');
  });
});

describe('a mail server’s login', () => {
  const mail = { id: 'mail_1', to: OWNER, subject: 'Hello', text: 'Hello' };
  /** With what else stands in SMTP_URL. */
  const mailerOf = ({ url }: MailServer, options = '') =>
    new Mailer(`${url.replace('//', '//posthorn:password@')}${options}`, FROM);

  it.each(['', '/?requireTLS=false', '/?ignoreTLS=true', '/?opportunisticTLS=true'])(
    'is not sent, and no mail, where the server offers no encryption (%s)',
    async (options) => {
      const server = await MailServer.start();
      const failure = await mailerOf(server, options).send(mail);
      expect(failure).toMatchObject({ code: 'ETLS' });
      expect([server.logins, server.mails]).toEqual([[], []]);
      await server.close();
    },
  );

  it('is sent on an encrypted connection', async () => {
    const server = await MailServer.start(selfSignedCertificate());
    expect(await mailerOf(server, '/?tls.rejectUnauthorized=false').send(mail)).toBeNull();
    expect(server.logins).toEqual([{ user: 'posthorn', isEncrypted: true }]);
    expect(server.mails).toHaveLength(1);
    await server.close();
  });
});
