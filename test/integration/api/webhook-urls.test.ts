import type { ApiClient } from '../../support/api-client';
import { Stack } from '../../support/stack';
import { useStack } from '../../support/use';
import { expectRefusal, stored } from './refusal';

/** `https://example.com/` and as many characters as make it that long. */
const ofLength = (length: number): string => 'https://example.com/'.padEnd(length, 'x');

const NOT_PUBLIC = [
  'https://10.0.0.1/',
  'https://172.16.0.1/',
  'https://192.168.1.1:8443/hooks',
  'https://169.254.169.254/latest/meta-data/',
  'https://100.64.0.1/',
  'https://0.0.0.0/',
  'https://255.255.255.255/',
  'https://224.0.0.1/',
  'https://198.18.0.1/',
  'https://168.63.129.16/',
  // The same 10.0.0.1 in the spellings that URL parsers take.
  'https://167772161/',
  'https://0x0a000001/',
  'https://0xa.0.0.1/',
  'https://012.0.0.1/',
  'https://10.1/',
  'https://10.0.1/',
  'https://10.0.0.1./',
  'https://[fd00::1]/',
  'https://[fe80::1]/',
  'https://[ff02::1]/',
  'https://[::]/',
  'https://[::ffff:10.0.0.1]/',
  'https://[::ffff:a00:1]/',
  'https://[::10.0.0.1]/',
  'https://[64:ff9b::10.0.0.1]/',
  'https://[2002:a00:1::]/',
  'https://[2001:db8::1]/',
];

const LOOPBACK = [
  'https://127.0.0.1/',
  'https://127.1.2.3/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0177.0.0.1/',
  'https://[::1]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://localhost/',
  'https://LOCALHOST/',
  'https://hooks.localhost/',
];

const MALFORMED: [title: string, url: unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a number', 42],
  ['empty text', ''],
  ['a path', '/hooks'],
  ['a host without a scheme', 'example.com/hooks'],
  ['a scheme without a host', 'https://'],
  ['a port without a host', 'https://:443/hooks'],
  ['a path without a host', 'https:///hooks'],
  ['another scheme', 'ftp://example.com/'],
  ['a script', 'javascript:alert(1)'],
  ['a user', 'https://user@example.com/'],
  ['a user and a password', 'https://user:password@example.com/'],
  ['empty credentials', 'https://@example.com/'],
  ['a fragment', 'https://example.com/#top'],
  ['an empty fragment', 'https://example.com/#'],
  ['2049 characters', ofLength(2049)],
  ['2049 characters once it is percent-encoded', ofLength(2043) + 'ü'],
  ['half a character', 'https://example.com/\ud800'],
  ['an IDN', 'https://bücher.example/'],
  ['a name that only looks like another', 'https://exаmple.com/'],
  ['full-width digits', 'https://１２７.0.0.1/'],
  ['a percent-encoded host', 'https://%31%30.0.0.1/'],
  ['a space', 'https://example.com/a b'],
  ['a space before it', ' https://example.com/'],
  ['a line break', 'https://example.com/\n'],
  ['a tab in its host', 'https://exam\tple.com/'],
  ['backslashes', 'https:\\\\example.com\\'],
  ['a port that is none', 'https://example.com:65536/'],
  ['port 0', 'https://example.com:0/'],
  ['a label of 64 characters', `https://${'a'.repeat(64)}.com/`],
  ['http to a public host', 'http://example.com/'],
  ['http to a public address', 'http://93.184.216.34/'],
];

const FINE = [
  'https://example.com',
  'https://example.com/hooks?tenant=acme&x=%20y',
  'https://hooks.example.com:8443/a/b',
  'https://93.184.216.34/hooks',
  'https://[2606:2800:220:1:248:1893:25c8:1946]/',
  'https://xn--bcher-kva.example/',
  'https://internal-name/',
  ofLength(2048),
];

describe.each(['production', 'development'])('a webhook’s url in %s', (environment) => {
  const stack = useStack({ POSTHORN_ENV: environment }, { worker: false });
  let client: ApiClient;
  beforeAll(async () => {
    ({ client } = await stack.project());
  });

  const create = (url: unknown) =>
    client.post('/v1/webhooks', { name: 'Test', url, events: ['*'] });
  const expectRefused = async (url: unknown): Promise<void> => {
    const before = await stored(stack);
    expectRefusal(await create(url), 'validation_failed', ['url']);
    expect(await stored(stack)).toEqual(before);
  };
  const expectTaken = async (url: string): Promise<void> => {
    const made = await create(url);
    expect(made.status).toBe(201);
    expect(made.body.data.url).toBe(new URL(url).href);
  };

  it.each(MALFORMED)('is not %s', async (_title, url) => expectRefused(url));
  it.each(NOT_PUBLIC)('does not point to an address that is not public: %s', expectRefused);
  it.each(FINE)('is kept in its one form: %.80s', expectTaken);

  if (environment === 'production') {
    it.each(LOOPBACK)('does not point to the machine itself: %s', expectRefused);
    it.each(LOOPBACK)('nor by http: %s', (url) => expectRefused(url.replace('https', 'http')));
  } else {
    it.each(LOOPBACK)('may point to the machine itself: %s', expectTaken);
    it.each(LOOPBACK)('and by http: %s', (url) => expectTaken(url.replace('https', 'http')));
  }
});

it('may point to a network that the operator opened, by https', async () => {
  const stack = await Stack.start(
    { POSTHORN_ENV: 'production', POSTHORN_ALLOWED_CIDRS: '10.1.0.0/16' },
    { worker: false },
  );
  const { client } = await stack.project();
  const create = (url: string) => client.post('/v1/webhooks', { name: 'A', url, events: ['*'] });
  expect((await create('https://10.1.2.3/hooks')).status).toBe(201);
  expectRefusal(await create('https://10.2.2.3/hooks'), 'validation_failed', ['url']);
  expectRefusal(await create('http://10.1.2.3/hooks'), 'validation_failed', ['url']);
  await stack.stop();
});
