import { failuresInWords } from '../domain/webhook-health';
import type { MailRecord } from '../store/mail-outbox';

/** A mail as it is sent. */
export interface OwnerMail {
  id: string;
  to: string;
  subject: string;
  text: string;
}

const MAX_NAME_LENGTH = 100;

/** A customer's text within one of our lines: it can't start a header or a new line. */
function inLine(name: string): string {
  const line = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length > MAX_NAME_LENGTH ? `${line.slice(0, MAX_NAME_LENGTH)}…` : line;
}

/** The text of a mail. It names the webhook and the project, but contains no URL, secret or payload. */
export function writeOwnerMail(mail: MailRecord, to: string): OwnerMail {
  const name = inLine(mail.webhookName);
  const about = `The webhook "${name}" (${mail.webhookId}) of the project "${inLine(mail.projectName)}" (${mail.projectId})`;
  const { _id: id } = mail;
  return mail.warning === null
    ? { id, to, subject: `Webhook "${name}" was disabled`, text: disabledText(about, mail) }
    : {
        id,
        to,
        subject: `Webhook "${name}": ${failuresInWords(mail.failureCount)}`,
        text: warningText(about, mail),
      };
}

function warningText(
  about: string,
  { failureCount, threshold, createdAt, webhookId }: MailRecord,
): string {
  return `${about} is failing: ${failuresInWords(failureCount)} (as of ${utc(createdAt)}).

After ${threshold} failed attempts in a row, the webhook is disabled automatically: events are then recorded as skipped and not sent. The next success resets the count to 0.

To see what the receiver answered, open its deliveries: GET /v1/deliveries?webhookId=${webhookId}
`;
}

function disabledText(
  about: string,
  { disabledReason, failureCount, webhookId, createdAt }: MailRecord,
): string {
  const why =
    disabledReason === 'gone'
      ? 'its receiver answered 410 Gone, which means that it wants no more deliveries'
      : failuresInWords(failureCount);
  return `${about} was disabled at ${utc(createdAt)}: ${why}.

While it is disabled, its events are recorded as skipped and not sent. When its receiver works again, enable the webhook, and replay what was skipped and what failed:

  PATCH /v1/webhooks/${webhookId} {"isActive": true}
  POST /v1/replays {"webhookId": "${webhookId}", "since": …, "until": …}
`;
}

function utc(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
