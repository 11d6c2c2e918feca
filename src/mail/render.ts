import type { MailRecord } from '../store/mail-outbox';

/** A mail as it is sent. */
export interface OwnerMail {
  id: string;
  to: string;
  subject: string;
  text: string;
}

const MAX_NAME_LENGTH = 100;

/** Somebody else's text within a line of ours: neither a header nor a line of its own can begin in it. */
function inLine(name: string): string {
  const line = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length > MAX_NAME_LENGTH ? `${line.slice(0, MAX_NAME_LENGTH)}…` : line;
}

/** How a mail reads. It names the webhook and the project; no address, no secret, no payload. */
export function writeOwnerMail(mail: MailRecord): OwnerMail {
  const name = inLine(mail.webhookName);
  const about = `The webhook "${name}" (${mail.webhookId}) of the project "${inLine(mail.projectName)}" (${mail.projectId})`;
  const { _id: id, to } = mail;
  return mail.warning === null
    ? { id, to, subject: `Webhook "${name}" was disabled`, text: disabledText(about, mail) }
    : {
        id,
        to,
        subject: `Webhook "${name}" has failed ${mail.failureCount} times in a row`,
        text: warningText(about, mail),
      };
}

function warningText(about: string, { failureCount, threshold, createdAt }: MailRecord): string {
  return `${about} has failed ${failureCount} times in a row, by ${utc(createdAt)}.

After ${threshold} failed attempts in a row it is disabled: its events are then recorded as skipped and not sent. The next success makes it start from nought.

What its receiver answered is in the attempts of its deliveries: GET /v1/deliveries?webhookId=<its id>
`;
}

function disabledText(
  about: string,
  { disabledReason, failureCount, webhookId, createdAt }: MailRecord,
): string {
  const why =
    disabledReason === 'gone'
      ? 'its receiver answered 410 Gone, which means that it wants no more'
      : `${failureCount} attempts in a row have failed`;
  return `${about} was disabled at ${utc(createdAt)}: ${why}.

Its events are recorded as skipped from now on, and not sent. When its receiver is mended, enable the webhook, and replay what was skipped and what failed:

  PATCH /v1/webhooks/${webhookId} {"isActive": true}
  POST /v1/replays {"webhookId": "${webhookId}", "since": …, "until": …}
`;
}

function utc(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
