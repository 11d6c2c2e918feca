import { mongo } from 'mongoose';
import { pino } from 'pino';
import { sendOwnerMails } from '../../activities/send-mails';
import { Mailer } from '../../src/mail/mailer';
import { mails } from '../../src/metrics';
import { disableWebhook } from '../../src/store/change-webhook';
import { mailDisabling } from '../../src/store/owner-mails';
import type { ProjectRecord } from '../../src/store/projects';
import type { WebhookRecord } from '../../src/store/webhook-record';
import { MailServer } from '../support/mail-server';
import { useFixture } from '../support/use';

const FROM = 'posthorn@operator.example';
const MAX_PER_HOUR = 100;
const MAX_PER_WEBHOOK = 5;
const MAX_TRIES = 30;

describe('mails to owners of which there are many', () => {
  const fixture = useFixture();
  let mailServer: MailServer;
  beforeAll(async () => {
    mailServer = await MailServer.start();
  });
  afterAll(() => mailServer.close());
  beforeEach(async () => {
    mailServer.mails.length = 0;
    mailServer.refused.clear();
    await fixture.store.mails.model.deleteMany({});
  });

  const newProject = async (ownerEmail = 'owner@customer.example'): Promise<ProjectRecord> => {
    const { _id } = await fixture.project({}, 'ahasend');
    await fixture.store.projects.model.updateOne({ _id }, { $set: { ownerEmail } });
    return (await fixture.store.projects.get(_id))!;
  };
  /** Writes that the webhook has been disabled. @returns whether that was dropped */
  const write = (project: ProjectRecord, webhookId: string): Promise<boolean> => {
    const state = { disabledReason: 'gone', failureCount: 1, policy: {} };
    const webhook = { _id: webhookId, name: webhookId, ...state } as WebhookRecord;
    return fixture.store.transaction((session) =>
      mailDisabling(fixture.store, project, webhook, session),
    );
  };
  const outbox = ({ _id: projectId }: ProjectRecord) =>
    fixture.store.mails.model.find({ projectId }).sort({ _id: 1 }).lean();
  const sendAll = (): Promise<void> => {
    const mailer = new Mailer(mailServer.url, FROM);
    const deps = { store: fixture.store, mailer, log: pino({ level: 'silent' }) };
    return sendOwnerMails(deps, () => true, new AbortController().signal);
  };

  it('are written up to a limit within an hour, which is each project’s own', async () => {
    const [project, other] = [await newProject(), await newProject()];
    for (let n = 0; n < MAX_PER_HOUR + 5; n += 1) await write(project, `wh_${n}`);
    await write(other, 'wh_0');
    expect(await outbox(project)).toHaveLength(MAX_PER_HOUR);
    expect(await outbox(other)).toHaveLength(1);
    const createdAt = new Date(Date.now() - 3_600_001);
    await fixture.store.mails.model.updateMany({}, { $set: { createdAt } });
    await write(project, 'wh_new');
    expect(await outbox(project)).toHaveLength(MAX_PER_HOUR + 1);
  });

  it('about one webhook leave room for those about others', async () => {
    const project = await newProject();
    let dropped = 0;
    for (let n = 0; n < MAX_PER_HOUR; n += 1) dropped += Number(await write(project, 'wh_often'));
    expect(dropped).toBe(MAX_PER_HOUR - MAX_PER_WEBHOOK);
    expect(await write(project, 'wh_other')).toBe(false);
    const about = (await outbox(project)).map(({ webhookId }) => webhookId);
    expect(about.filter((id) => id === 'wh_often')).toHaveLength(MAX_PER_WEBHOOK);
    expect(about).toContain('wh_other');
  });

  it('are counted once where they are dropped, though the transaction is repeated', async () => {
    const { store } = fixture;
    const project = await newProject();
    const webhook = await fixture.webhook(project, 'https://example.com/');
    for (let n = 0; n < MAX_PER_WEBHOOK; n += 1) await write(project, webhook._id);
    const dropped = async () =>
      (await mails.get()).values.find(({ labels }) => labels.outcome === 'dropped')!.value;
    const before = await dropped();
    const conflict = new mongo.MongoServerError({ message: 'a conflict', code: 112 });
    conflict.addErrorLabel('TransientTransactionError');
    const note = jest.spyOn(store.endings, 'note').mockRejectedValueOnce(conflict);
    const how = { reason: 'gone', isMailed: true, minFailures: 0, failedFrom: new Date() } as const;
    expect(await disableWebhook(store, project, webhook._id, how)).not.toBeNull();
    expect(note).toHaveBeenCalledTimes(2);
    note.mockRestore();
    expect((await dropped()) - before).toBe(1);
  });

  it('go to the projects’ owners in turn', async () => {
    const [many, few] = [await newProject(), await newProject('few@customer.example')];
    for (let n = 0; n < 5; n += 1) await write(many, `wh_${n}`);
    await write(few, 'wh_0');
    await sendAll();
    const recipients = mailServer.mails.flatMap((mail) => mail.recipients);
    expect(recipients).toHaveLength(6);
    expect(recipients.indexOf('few@customer.example')).toBeLessThan(2);
  });

  it('go to the next project where the server ended the pass before', async () => {
    const projects = [
      await newProject('first@customer.example'),
      await newProject('second@customer.example'),
      await newProject('third@customer.example'),
    ];
    for (const project of projects) {
      mailServer.refused.set(project.ownerEmail!, 421);
      for (let n = 0; n < 3; n += 1) await write(project, `wh_${n}`);
    }
    for (let pass = 0; pass < projects.length; pass += 1) await sendAll();
    for (const project of projects) {
      const tried = (await outbox(project)).filter(({ tries }) => tries > 0);
      expect(tried).toMatchObject([{ tries: 1 }]);
    }
  });

  it('keep their tries while they are claimed, but nothing is sent', async () => {
    const project = await newProject();
    await write(project, 'wh_0');
    for (let n = 0; n < MAX_TRIES; n += 1) await fixture.store.mails.claim(0, MAX_TRIES);
    await sendAll();
    expect(mailServer.mails.map(({ recipients }) => recipients)).toEqual([[project.ownerEmail]]);
  });

  it('hold up nobody else’s where their recipient is refused for now', async () => {
    const [full, other] = [await newProject('full@customer.example'), await newProject()];
    for (let n = 0; n < 3; n += 1) await write(full, `wh_${n}`);
    await write(other, 'wh_0');
    mailServer.refused.set('full@customer.example', 452);
    await sendAll();
    expect(mailServer.mails.map(({ recipients }) => recipients)).toEqual([[other.ownerEmail]]);
    expect((await outbox(full)).map(({ tries }) => tries)).toEqual([1, 1, 1]);
  });
});
