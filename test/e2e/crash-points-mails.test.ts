import { newId } from '../../src/contracts/ids';
import type { MailRecord } from '../../src/store/mail-outbox';
import { useCrashes, type Crash } from '../support/crash';
import { eventually } from '../support/eventually';
import { MailServer } from '../support/mail-server';

// As in crash-points-worker.test.ts.
jest.setTimeout(300_000);

const outbox = ({ stack, projectId }: Crash): Promise<MailRecord[]> =>
  stack.store.mails.model.find({ projectId }).sort({ _id: 1 }).lean<MailRecord[]>();

/** Has it in the outbox that the webhook was disabled. */
async function writeMail(crash: Crash): Promise<void> {
  const { store } = crash.stack;
  await crash.until('no mail of another case is left', async () => {
    return (await store.mails.model.countDocuments({ sentAt: null })) === 0;
  });
  const createdAt = new Date();
  const mail = {
    _id: newId('mail'),
    projectId: crash.projectId,
    webhookId: crash.webhookId,
    warning: null,
    disabledReason: 'gone',
    projectName: 'Shop',
    webhookName: 'Orders',
    failureCount: 1,
    threshold: 4,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + 3_600_000),
  } as const;
  await store.transaction((session) => store.mails.insert(mail, session));
}

const reconciles = ({ temporal }: Crash): Promise<void> =>
  temporal.schedule.getHandle('posthorn-reconcile').trigger();

/** As if the dead worker's lease had expired. */
async function expireLease({ stack, projectId }: Crash): Promise<void> {
  const unsent = { projectId, sentAt: null };
  await stack.store.mails.model.updateMany(unsent, { $set: { nextTryAt: new Date() } });
}

describe('a worker killed with -9', () => {
  let mailServer: MailServer;
  beforeAll(async () => void (mailServer = await MailServer.start()));
  const onGround = useCrashes(() => ({
    SMTP_URL: mailServer.url,
    MAIL_FROM: 'posthorn@operator.example',
  }));
  afterAll(() => mailServer.close());

  let cases = 0;
  /** On a project whose owner is notified by mail. */
  const on = (work: (crash: Crash, owner: string) => Promise<void>): Promise<void> => {
    cases += 1;
    const ownerEmail = `owner-${cases}@customer.example`;
    const policy = { timeoutMs: 9000, retryDelaysMs: [1000, 1000, 1000], autoDisableAfter: 4 };
    return onGround((crash) => work(crash, ownerEmail), { profile: 'ahasend', ownerEmail, policy });
  };

  it.concurrent.each([
    [500, 'before the warning', 'store/webhook-health WebhookHealth.noteWarning before'],
    [
      500,
      'inside the warning’s transaction',
      'store/webhook-health WebhookHealth.noteWarning after',
    ],
    [500, 'between the warning and its commit', 'store/mail-outbox Mails.insert after'],
    [500, 'after the warning', 'store/store Store.transaction after'],
    [410, 'inside the disabling’s transaction', 'store/webhook-health WebhookHealth.disable after'],
    [410, 'between the disabling’s mail and its commit', 'store/mail-outbox Mails.insert after'],
    [410, 'after the disabling', 'store/store Store.transaction after'],
  ])(
    'while it writes mails to the owner, after a %d, %s: each is written once',
    (status, _title, dieAt) =>
      on(async (crash) => {
        const { client, receiver, webhookId } = crash;
        receiver.respondWith(status);
        await crash.dying(dieAt, () =>
          client.post(`/v1/webhooks/${webhookId}/test`, { events: ['message.opened'] }),
        );
        await crash.becomes({ status: 'failed', attemptCount: status === 410 ? 1 : 4 });
        expect(await crash.webhook()).toMatchObject({ isActive: false });
        const written = (await outbox(crash)).map(({ warning }) => warning);
        expect(written).toEqual(status === 410 ? [null] : [50, 75, null]);
      }),
  );

  it.concurrent.each([
    ['before it is sent: it comes once', 'mail/mailer Mailer.send before', 1],
    ['before its note: it comes again, under the same id', 'mail/mailer Mailer.send after', 2],
    ['after its note: it comes once', 'store/mail-outbox Mails.markSent after', 1],
  ])('while it sends a mail, %s', (_title, dieAt, times) =>
    on(async (crash, owner) => {
      await writeMail(crash);
      await crash.dying(dieAt, () => reconciles(crash));
      await expireLease(crash);
      await crash.until('it is sent', async () => (await outbox(crash))[0]!.sentAt !== null);
      const mails = () => mailServer.mails.filter(({ recipients }) => recipients.includes(owner));
      await eventually('all have come', () => mails().length >= times);
      await crash.stack.reconcile();
      const ids = mails().map(({ headers }) => headers.get('message-id'));
      expect(ids).toHaveLength(times);
      expect(new Set(ids).size).toBe(1);
    }),
  );

  it.concurrent.each([
    ['before it reads the address', 'store/mail-outbox Mails.claim after'],
    ['before it withdraws the mail', 'store/mail-outbox Mails.withdraw before'],
    ['after it has withdrawn the mail', 'store/mail-outbox Mails.withdraw after'],
  ])('while it finds no address for a mail, %s: it goes to nobody', (_title, dieAt) =>
    on(async (crash, owner) => {
      await crash.stack.admin.patch(`/v1/projects/${crash.projectId}`, { ownerEmail: null });
      await writeMail(crash);
      await crash.dying(dieAt, () => reconciles(crash));
      await expireLease(crash);
      await crash.until('it is withdrawn', async () => (await outbox(crash)).length === 0);
      expect(mailServer.mails.flatMap(({ recipients }) => recipients)).not.toContain(owner);
    }),
  );
});
