import {
  happenedOf,
  providers,
  type ProviderName,
  type ProviderReport,
} from '../../../src/providers';
import { fixture } from './fixtures';

/** What a provider's body says. */
function read(
  provider: ProviderName,
  rawBody: Buffer,
  headers: Record<string, string> = {},
): ProviderReport[] {
  const request = { rawBody, header: (name: string) => headers[name] };
  const result = providers[provider].read(request, JSON.parse(rawBody.toString()));
  if ('error' in result) throw result.error;
  return result.reports.map((report) => {
    if ('unreadable' in report) throw report.unreadable;
    return report;
  });
}

/** The fields that are wrong with a body. */
function problems(provider: ProviderName, body: unknown): string[] {
  const request = { rawBody: Buffer.from(JSON.stringify(body)), header: () => undefined };
  const result = providers[provider].read(request, body);
  return 'error' in result ? result.error.issues.map(({ path }) => path.join('.')) : [];
}

describe('resend', () => {
  it.each([
    ['opened', 'opened', '2026-09-22T23:41:12.126Z'],
    ['clicked', 'clicked', '2026-09-24T05:00:57.163Z'],
    ['bounced', 'bounced', '2026-09-22T23:41:12.126Z'],
    ['complained', 'complained', '2026-09-22T23:41:12.126Z'],
    ['delivered', 'email.delivered', '2026-09-22T23:41:12.126Z'],
  ])('email.%s happened as %s, a click at its own time', (name, happened, timestamp) => {
    const rawBody = fixture('resend', name);
    expect(read('resend', rawBody, { 'svix-id': 'msg_2W2D3qXLS5fOaPja1GDg7rF2CwB' })).toEqual([
      {
        id: 'msg_2W2D3qXLS5fOaPja1GDg7rF2CwB',
        type: `email.${name}`,
        happened,
        emailId: '0b7a4c1e-6f0d-4a5b-8a3e-9c2f1d7e5b60',
        recipient: 'jane.doe@example.com',
        timestamp,
        payload: rawBody.toString(),
      },
    ]);
  });

  it('reports on contacts name no e-mail', () => {
    const [report] = read('resend', fixture('resend', 'contact-updated'));
    expect(report).toMatchObject({ id: null, happened: 'contact.updated', emailId: null });
  });

  it('takes the recipient without the name, and the time with microseconds', () => {
    const body = {
      type: 'email.opened',
      created_at: '2026-02-22T23:41:11.894719+00:00',
      data: { email_id: 'em_1', to: ['Jane <jane@example.com>'] },
    };
    expect(read('resend', Buffer.from(JSON.stringify(body)))).toMatchObject([
      { recipient: 'jane@example.com', timestamp: '2026-02-22T23:41:11.894Z' },
    ]);
  });

  it('names no recipient of an e-mail to several: any of them may be meant', () => {
    const body = {
      type: 'email.opened',
      data: { email_id: 'em_1', to: ['jane@example.com', 'joe@example.com'] },
    };
    expect(read('resend', Buffer.from(JSON.stringify(body)))).toMatchObject([
      { emailId: 'em_1', recipient: null },
    ]);
  });

  it.each([
    [null, ['']],
    [[], ['']],
    [{}, ['type', 'data']],
    [{ type: '', data: null }, ['type', 'data']],
    [{ type: 'email.opened', data: 'x' }, ['data']],
  ])('%j is none of its reports', (body, expected) => {
    expect(problems('resend', body)).toEqual(expected);
  });
});

describe('sendgrid', () => {
  it('reads each report of a batch, in order', () => {
    const reports = read('sendgrid', fixture('sendgrid', 'batch'));
    expect(reports.map(({ type, happened }) => [type, happened])).toEqual([
      ['processed', 'processed'],
      ['deferred', 'deferred'],
      ['delivered', 'delivered'],
      ['open', 'opened'],
      ['click', 'clicked'],
      ['bounce', 'bounced'],
      ['dropped', 'dropped'],
      ['spamreport', 'complained'],
      ['unsubscribe', 'unsubscribed'],
      ['group_unsubscribe', 'unsubscribed'],
      ['group_resubscribe', 'group_resubscribe'],
    ]);
    const posted = JSON.parse(fixture('sendgrid', 'batch').toString()) as { sg_event_id: string }[];
    expect(reports[3]).toEqual({
      id: posted[3]!.sg_event_id,
      type: 'open',
      happened: 'opened',
      emailId: '28f1a6c0d31.b7e.51c0d2',
      recipient: 'jane.doe@example.com',
      timestamp: new Date(1_790_121_604_000).toISOString(),
      payload: JSON.stringify(posted[3]),
    });
    expect(new Set(reports.map(({ id }) => id)).size).toBe(reports.length);
  });

  it.each([
    ['XBg2anf2TqCy6WXKQFhieQ.filter0905p1mdw1-4434-59E0C6FF-3.0', 'XBg2anf2TqCy6WXKQFhieQ'],
    ['Ua9z9lSTSaqYBWJe_Xfc-Q.recvd-5d8f9b7c6d-x2k4n-1-66F0A1B2-C.0', 'Ua9z9lSTSaqYBWJe_Xfc-Q'],
    ['14c5d75ce93.dfd.64b469', '14c5d75ce93.dfd.64b469'],
    ['.filter1', '.filter1'],
  ])('names the e-mail %s as its sender knows it: %s', (sg_message_id, emailId) => {
    const body = Buffer.from(JSON.stringify([{ event: 'open', sg_message_id }]));
    expect(read('sendgrid', body)).toMatchObject([{ emailId }]);
  });

  it('names the e-mail of a delayed bounce, which has no sg_message_id, by its smtp-id', () => {
    expect(read('sendgrid', fixture('sendgrid', 'delayed-bounce'))).toMatchObject([
      { happened: 'bounced', emailId: '<28f1a6c0d31.b7e.51c0d2@ismtpd-471>' },
    ]);
  });

  it('passes over an address that is none', () => {
    const body = Buffer.from('[{"event":"dropped","email":"invalid","timestamp":"soon"}]');
    expect(read('sendgrid', body)).toMatchObject([{ recipient: null, timestamp: null, id: null }]);
  });

  it.each([
    [{}, ['']],
    [[], ['']],
    [[{}], ['0.event']],
    [
      [null, 'x', { event: 1 }, { event: '' }],
      ['0', '1', '2.event', '3.event'],
    ],
  ])('%j is none of its batches', (body, expected) => {
    expect(problems('sendgrid', body)).toEqual(expected);
  });

  it('distinguishes those of a batch that are not its reports from the others', () => {
    const batch = [{ event: 'open', sg_event_id: 7 }, 'x', { event: 1 }];
    const rawBody = Buffer.from(JSON.stringify(batch));
    const result = providers.sendgrid.read({ rawBody, header: () => undefined }, batch);
    expect(result).toMatchObject({
      reports: [
        { id: '7', happened: 'opened', payload: '{"event":"open","sg_event_id":7}' },
        { unreadable: { issues: [{ path: [] }] }, payload: '"x"' },
        { unreadable: { issues: [{ path: ['event'] }] }, payload: '{"event":1}' },
      ],
    });
  });

  it('bounds a batch before it looks into it', () => {
    expect(problems('sendgrid', Array.from({ length: 5_001 }))).toEqual(['']);
  });
});

describe('mailgun', () => {
  it.each([
    ['opened', 'opened', 'opened'],
    ['clicked', 'clicked', 'clicked'],
    ['unsubscribed', 'unsubscribed', 'unsubscribed'],
    ['complained', 'complained', 'complained'],
    ['delivered', 'delivered', 'delivered'],
    ['failed-permanent', 'failed', 'bounced'],
    ['failed-temporary', 'failed', 'failed'],
  ])('%s: %s happened as %s', (name, type, happened) => {
    const rawBody = fixture('mailgun', name);
    const { signature, ...posted } = JSON.parse(rawBody.toString()) as {
      signature: { token: string };
      'event-data': Record<string, number>;
    };
    const data = posted['event-data'];
    expect(read('mailgun', rawBody)).toEqual([
      {
        id: data.id,
        token: signature.token,
        type,
        happened,
        emailId: '20260922230049.6c1d7bf607f78309@mail.acme.example',
        recipient: 'jane.doe@example.com',
        timestamp: new Date(Math.trunc(data.timestamp! * 1000)).toISOString(),
        // Without the signature.
        payload: JSON.stringify(posted),
      },
    ]);
  });

  it('keeps a report without a message', () => {
    const body = Buffer.from('{"event-data":{"event":"clicked","recipient":"jane@example.com"}}');
    expect(read('mailgun', body)).toMatchObject([{ happened: 'clicked', emailId: null }]);
  });

  it.each([
    [null, ['']],
    [{}, ['event-data']],
    [{ 'event-data': [] }, ['event-data']],
    [{ 'event-data': { id: '' } }, ['event-data.event']],
  ])('%j is none of its reports', (body, expected) => {
    expect(problems('mailgun', body)).toEqual(expected);
  });
});

describe('a plain report', () => {
  const forms = (happened: string, word: string): [string, string][] =>
    [happened, word, `email.${happened}`, `email.${word}`].flatMap((type) => [
      [type, happened],
      [type.toUpperCase(), happened],
      [` ${type[0]!.toUpperCase()}${type.slice(1)} `, happened],
    ]);

  it.each([
    ...forms('opened', 'open'),
    ...forms('clicked', 'click'),
    ...forms('bounced', 'bounce'),
    ...forms('unsubscribed', 'unsubscribe'),
    ['email.complained', 'complained'],
    ['delivered', 'delivered'],
    ['email.email.open', 'email.open'],
    ['constructor', 'constructor'],
  ])('of type %j happened as %s', (type, happened) => {
    expect(happenedOf(type)).toBe(happened);
  });
});
