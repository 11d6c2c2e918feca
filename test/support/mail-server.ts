import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { TlsCertificate } from './tls-certificates';

export interface ReceivedMail {
  /** Of the SMTP envelope. */
  from: string;
  recipients: string[];
  /** What the client called itself, by EHLO. */
  greeting: string;
  /** As they stand, unfolded; names in lower case. */
  headers: Map<string, string>;
  text: string;
}

/** A real SMTP server on 127.0.0.1, which can be told to refuse. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  /** Who has logged in, and whether the connection was encrypted. */
  readonly logins: { user: string | undefined; isEncrypted: boolean }[] = [];
  /** What it answers to each mail's data; 0: it takes them. */
  refuseWith = 0;
  /** Addresses to which it takes none, with what it answers to each. */
  readonly refused = new Map<string, number>();

  private constructor(private readonly server: SMTPServer) {}

  /** @param tls to offer encryption with */
  static async start(tls?: TlsCertificate): Promise<MailServer> {
    const server = new SMTPServer({
      ...tls,
      authOptional: true,
      disabledCommands: tls ? [] : ['STARTTLS'],
      onAuth: ({ username: user }, { secure: isEncrypted }, done) => {
        mailServer.logins.push({ user, isEncrypted });
        done(null, { user });
      },
      onRcptTo: ({ address }, _session, done) => {
        const responseCode = mailServer.refused.get(address);
        done(responseCode ? Object.assign(new Error('refused'), { responseCode }) : null);
      },
      onData: (stream, { envelope: { mailFrom, rcptTo }, hostNameAppearsAs }, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const responseCode = mailServer.refuseWith;
          if (responseCode !== 0) {
            done(Object.assign(new Error('refused'), { responseCode }));
            return;
          }
          mailServer.mails.push({
            from: mailFrom ? mailFrom.address : '',
            recipients: rcptTo.map(({ address }) => address),
            greeting: hostNameAppearsAs,
            ...read(Buffer.concat(chunks).toString()),
          });
          done();
        });
      },
    });
    const mailServer = new MailServer(server);
    server.on('error', () => {});
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return mailServer;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`;
  }

  subjects(): (string | undefined)[] {
    return this.mails.map(({ headers }) => headers.get('subject'));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(resolve));
  }
}

/** Headers and a text body, undone from quoted-printable. */
function read(raw: string): Pick<ReceivedMail, 'headers' | 'text'> {
  const end = raw.indexOf('\r\n\r\n');
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), decodeWords(line.slice(colon + 1).trim())];
    }),
  );
  const body = raw.slice(end + 4);
  const isQuoted = headers.get('content-transfer-encoding') === 'quoted-printable';
  return { headers, text: isQuoted ? decodeQuoted(body.replace(/=\r\n/g, '')) : body };
}

function decodeQuoted(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}

/** RFC 2047; the space between two words is none. */
function decodeWords(value: string): string {
  return value
    .replaceAll('?= =?', '?==?')
    .replace(/=\?UTF-8\?Q\?(.*?)\?=/g, (_all, word: string) =>
      decodeQuoted(word.replaceAll('_', ' ')),
    );
}
