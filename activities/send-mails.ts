import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE_MS } from '../src/domain/durations';
import type { MailFailure } from '../src/mail/mailer';
import { writeOwnerMail } from '../src/mail/render';
import { mails } from '../src/metrics';
import type { ActivityDependencies } from './dependencies';

/** How long a mail server may still answer when the process stops. */
const STOPPING_MS = 2000;
/** How long a sender leases a mail: longer than the mail server may take; then another sender tries. */
const CLAIM_MS = 5 * MINUTE_MS;
/** The wait doubles after each failed try, up to this: in total a little more than a day. */
const MAX_WAIT_MS = 60 * MINUTE_MS;
const MAX_TRIES = 30;
/** With this status a server says goodbye (RFC 5321, 3.8). */
const CLOSING = 421;

/** Whether the server accepts no mails at all now; other refusals are about one mail. */
const isUnavailable = ({ code, responseCode = CLOSING }: MailFailure): boolean =>
  responseCode === CLOSING || code === 'EAUTH' || code === 'ETLS';

/**
 * Sends due mails to their projects' owners, of each project in turn; those that can't be sent are retried later.
 * @param goesOn asked before each mail whether to continue
 * @param stopped when aborted, the mail in progress is abandoned after a moment: a repetition uses the same
 *   Message-ID
 */
export async function sendOwnerMails(
  { store, mailer, log }: Pick<ActivityDependencies, 'store' | 'mailer' | 'log'>,
  goesOn: () => boolean,
  stopped: AbortSignal,
): Promise<void> {
  if (!mailer) return;
  while (goesOn()) {
    const mail = await store.mails.claim(CLAIM_MS, MAX_TRIES);
    if (!mail) return;
    // As it is now: it may have been corrected, or removed, since the mail was written.
    const to = (await store.projects.get(mail.projectId))?.ownerEmail;
    if (!to) {
      await store.mails.withdraw(mail);
      continue;
    }
    const failure = await unlessStopped(mailer.send(writeOwnerMail(mail, to)), stopped);
    if (failure === 'stopped') return;
    mails.inc({ outcome: failure ? 'failed' : 'sent' });
    if (!failure) {
      await store.mails.markSent(mail._id);
      continue;
    }
    const waitMs = Math.min(MINUTE_MS * 2 ** mail.tries, MAX_WAIT_MS);
    await store.mails.putOff(mail._id, waitMs);
    const level = mail.tries + 1 === MAX_TRIES ? 'error' : 'warn';
    log[level]({ mailId: mail._id, webhookId: mail.webhookId, ...failure }, 'mail not sent');
    if (isUnavailable(failure)) return;
  }
}

async function unlessStopped<T>(work: Promise<T>, stopped: AbortSignal): Promise<T | 'stopped'> {
  const done = new AbortController();
  const whenStopped = async (): Promise<'stopped'> => {
    if (!stopped.aborted) await once(stopped, 'abort', { signal: done.signal });
    return sleep(STOPPING_MS, 'stopped' as const, { signal: done.signal });
  };
  try {
    return await Promise.race([work, whenStopped()]);
  } finally {
    done.abort();
  }
}
