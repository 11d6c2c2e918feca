import type { Logger } from 'pino';
import type { Mailer } from '../src/mail/mailer';
import { writeOwnerMail } from '../src/mail/owner-mail';
import { mails } from '../src/metrics';
import type { Store } from '../src/store/store';
import type { ActivityDependencies } from '.';

const MINUTE_MS = 60_000;
/** How long one run begins to send more, so that it keeps nobody waiting; the next one goes on. */
const RUN_MS = 20_000;
/** A mail server may take longer to answer than the silence after which an activity counts as dead. */
const HEARTBEAT_MS = 3000;
/** How long a mail is one sender's; longer than its server may take, and then somebody else tries. */
const CLAIM_MS = 5 * MINUTE_MS;
/** After each failed try the wait doubles, up to this: together a little more than a day. */
const MAX_WAIT_MS = 60 * MINUTE_MS;
const MAX_TRIES = 30;
/** SMTP statuses from here on are about this mail; without one, the server is away. */
const REFUSED = 500;

/**
 * Sends the mails that are due; those that can't be sent come again later.
 * @param heartbeat tells Temporal that it is alive
 */
export async function sendOwnerMails(
  { store, mailer, log }: Pick<ActivityDependencies, 'store' | 'mailer' | 'log'>,
  heartbeat: () => void,
): Promise<void> {
  if (!mailer) return;
  const beating = setInterval(heartbeat, HEARTBEAT_MS);
  try {
    await sendDue(store, mailer, log);
  } finally {
    clearInterval(beating);
  }
}

async function sendDue(store: Store, mailer: Mailer, log: Logger): Promise<void> {
  const end = performance.now() + RUN_MS;
  while (performance.now() < end) {
    const mail = await store.mails.claim(CLAIM_MS, MAX_TRIES);
    if (!mail) return;
    const failure = await mailer.send(writeOwnerMail(mail));
    mails.inc({ outcome: failure ? 'failed' : 'sent' });
    if (!failure) {
      await store.mails.markSent(mail._id);
      continue;
    }
    const waitMs = Math.min(MINUTE_MS * 2 ** (mail.tries - 1), MAX_WAIT_MS);
    await store.mails.putOff(mail._id, waitMs);
    const level = mail.tries === MAX_TRIES ? 'error' : 'warn';
    log[level]({ mailId: mail._id, webhookId: mail.webhookId, ...failure }, 'mail not sent');
    if ((failure.responseCode ?? 0) < REFUSED) return;
  }
}
