import { hostname } from 'node:os';
import { domainToASCII } from 'node:url';
import { createTransport, type Transporter } from 'nodemailer';
import type { OwnerMail } from './render';

/** Milliseconds for connecting, for the greeting, and for each answer of the server. */
const TIMEOUT_MS = 10_000;

/** Why a mail could not be sent; without the server's words, which may name the recipient. */
export interface MailFailure {
  /** nodemailer's: ECONNECTION, EAUTH, EENVELOPE, … */
  code: string;
  /** The server's SMTP status. */
  responseCode?: number;
}

/** Sends mails through the operator's SMTP server. */
export class Mailer {
  private readonly transport: Transporter;

  /**
   * @param smtpUrl `smtp://user:password@host:587`, or `smtps://…`; with a login, the connection must be encrypted
   * @param from `Posthorn <posthorn@example.com>`
   * @param host the name of this machine
   */
  constructor(
    smtpUrl: string,
    private readonly from: string,
    host = hostname(),
  ) {
    const url = new URL(smtpUrl);
    // Whoever can change what the server answers could take STARTTLS out of it, to be sent the login.
    if (url.username || url.password) url.searchParams.set('requireTLS', 'true');
    this.transport = createTransport({
      url: url.href,
      // Otherwise, a container would greet as [127.0.0.1], which some servers refuse. A name in the URL prevails.
      ...(!host.includes('.') && { name: domainToASCII(from.replace(/^.*@|>$/g, '')) }),
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      // Mails are text: they need no files and no URLs.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  /** @returns null once the server has accepted it */
  async send({ id, to, subject, text }: OwnerMail): Promise<MailFailure | null> {
    try {
      await this.transport.sendMail({
        from: this.from,
        // Not parsed as a list of addresses.
        to: { name: '', address: to },
        subject,
        text,
        // The same for each try, so that duplicates can be recognised.
        messageId: `<${id}@posthorn>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      return null;
    } catch (error) {
      const { code = 'unknown', responseCode } = error as Partial<MailFailure>;
      return { code, ...(responseCode !== undefined && { responseCode }) };
    }
  }
}
