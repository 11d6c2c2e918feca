import { TASK_QUEUE, WORKFLOWS } from '../../src/contracts/temporal';
import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { Receiver } from '../support/receiver';
import { Stack, testEnvironment } from '../support/stack';

const OWNER = 'owner@customer.example';
const FROM = 'posthorn@operator.example';

describe('a worker process', () => {
  it('without SMTP_URL says once that it sends no mail', async () => {
    const environment = testEnvironment();
    const stack = await Stack.start(environment, { worker: false });
    const worker = RoleProcess.start('worker', environment);
    try {
      await worker.logged('worker polls');
      expect(worker.log().match(/SMTP_URL is not set/g)).toHaveLength(1);
    } finally {
      await worker.end('SIGKILL');
      await stack.stop();
    }
  });

  it('names neither the mail server’s password nor the owner when a mail can’t be sent', async () => {
    const host = `127.0.0.1:${await freePort()}`;
    const environment = testEnvironment({
      SMTP_URL: `smtp://posthorn:password-mark@${host}`,
      MAIL_FROM: FROM,
    });
    const stack = await Stack.start(environment, { worker: false });
    const worker = RoleProcess.start('worker', environment);
    const receiver = await Receiver.start();
    try {
      await worker.logged('RUNNING');
      receiver.respondWith(410);
      const { client } = await stack.project({ profile: 'ahasend', ownerEmail: OWNER });
      const { id } = await makeWebhook(client, receiver.url);
      await client.post(`/v1/webhooks/${id}/test`, { events: ['message.opened'] });
      await eventually('a mail is written', () => stack.store.mails.model.exists({}));
      await stack.temporal(({ workflow }) =>
        workflow.execute(WORKFLOWS.reconcile, { workflowId: 'now', taskQueue: TASK_QUEUE }),
      );
      await worker.logged('mail not sent');
      expect(worker.log()).not.toContain('SMTP_URL is not set');
      for (const mark of ['password-mark', OWNER]) expect(worker.log()).not.toContain(mark);
      expect(await stack.store.mails.model.findOne().lean()).toMatchObject({ sentAt: null });
    } finally {
      await worker.end('SIGKILL');
      await Promise.all([stack.stop(), receiver.close()]);
    }
  });
});
