import * as fc from 'fast-check';
import { canonicalWebhookUrl, checkWebhookUrl } from '../../src/domain/webhook-url';

const PRODUCTION = {
  allowHttp: false,
  development: false,
  allowedCidrs: [],
  reader: 'customer',
} as const;
const DEVELOPMENT = { ...PRODUCTION, development: true };
const HTTP_IN_DEVELOPMENT = { ...DEVELOPMENT, allowHttp: true };

describe('in production', () => {
  it.each([
    'https://example.com',
    'https://example.com/hooks?source=posthorn&x=%20y',
    'https://EXAMPLE.com:8443/Hooks',
    'HTTPS://example.com/',
    'https://sub_domain.example.co.uk/hooks',
    'https://xn--bcher-kva.example/hooks',
    'https://example.com/grüße',
    'https://example.com/?at=@&mail=a@b.example',
    'https://8.8.8.8/hooks',
    'https://[2606:4700:4700::1111]/hooks',
    'https://localhost.example.com/',
    `https://example.com/${'a'.repeat(2048 - 'https://example.com/'.length)}`,
  ])('takes %s', (url) => {
    expect(checkWebhookUrl(url, PRODUCTION)).toBeNull();
  });

  it.each([
    // not a URL
    ['', 'must be a URL such as https://example.com/hooks'],
    ['example.com/hooks', 'must be a URL such as https://example.com/hooks'],
    ['//example.com/hooks', 'must be a URL such as https://example.com/hooks'],
    ['https:example.com', 'must be a URL such as https://example.com/hooks'],
    ['https:/example.com', 'must be a URL such as https://example.com/hooks'],
    ['mailto:a@b.example', 'must be a URL such as https://example.com/hooks'],
    ['https://example.com:99999/', 'must be a URL such as https://example.com/hooks'],
    ['https://example.com:http/', 'must be a URL such as https://example.com/hooks'],
    ['https://1.2.3.4.5/', 'must be a URL such as https://example.com/hooks'],
    ['https://256.1.1.1/', 'must be a URL such as https://example.com/hooks'],
    ['https://[::g]/', 'must be a URL such as https://example.com/hooks'],
    ['https://exa<mple.com/', 'must be a URL such as https://example.com/hooks'],
    // scheme
    ['http://example.com/', 'must be an https URL'],
    ['ftp://example.com/', 'must be an https URL'],
    ['file:///etc/passwd', 'must be an https URL'],
    ['javascript://example.com/', 'must be an https URL'],
    // host
    ['https://', 'must have a host'],
    ['https:///hooks', 'must have a host'],
    ['https://?hooks', 'must have a host'],
    ['https://:8443/', 'must have a host'],
    ['https://bücher.example/', 'must have its host in its ASCII (punycode) form'],
    ['https://example。com/', 'must have its host in its ASCII (punycode) form'],
    ['https://１２７.0.0.1/', 'must have its host in its ASCII (punycode) form'],
    ['https://ex%61mple.com/', 'must not have a percent-encoded host'],
    ['https://example.com./', 'must not have a host that ends with a dot'],
    ['https://example..com/', 'must have a valid host name'],
    ['https://.example.com/', 'must have a valid host name'],
    ['https://exam!ple.com/', 'must have a valid host name'],
    [`https://${'a'.repeat(64)}.example/`, 'must have a valid host name'],
    [`https://${'a.'.repeat(130)}example/`, 'must have a valid host name'],
    ['https://example.com:0/', 'must not have port 0'],
    // what doesn't belong into it
    [
      'https://user:secret@example.com/',
      'must not contain credentials; send them in `headers`, as Authorization: Basic …',
    ],
    [
      'https://user@example.com/',
      'must not contain credentials; send them in `headers`, as Authorization: Basic …',
    ],
    [
      'https://@example.com/',
      'must not contain credentials; send them in `headers`, as Authorization: Basic …',
    ],
    ['https://example.com/#', 'must not have a fragment'],
    ['https://example.com/#part', 'must not have a fragment'],
    ['https://example.com#@10.0.0.1/', 'must not have a fragment'],
    ['https://example.com\\@10.0.0.1/', 'must not contain a backslash'],
    ['https:\\\\example.com', 'must not contain a backslash'],
    [' https://example.com/', 'must not contain spaces or control characters'],
    ['https://example.com/ ', 'must not contain spaces or control characters'],
    ['https://example.com/a b', 'must not contain spaces or control characters'],
    ['https://exam\tple.com/', 'must not contain spaces or control characters'],
    ['https://example.com/\n', 'must not contain spaces or control characters'],
    ['https://example.com/\0', 'must not contain spaces or control characters'],
    ['https://example.com/\u200b', 'must not contain spaces or control characters'],
    ['https://example.com/\u00a0', 'must not contain spaces or control characters'],
    [`https://example.com/${'a'.repeat(2029)}`, 'must not be longer than 2048 characters'],
    // where it points
    ['https://localhost/', 'must not point to localhost'],
    ['https://LOCALHOST:8443/', 'must not point to localhost'],
    ['https://localhost./', 'must not point to localhost'],
    ['https://app.localhost/', 'must not point to localhost'],
    ['https://127.0.0.1/', 'must not point to an address that is not public'],
    ['https://127.1/', 'must not point to an address that is not public'],
    ['https://2130706433/', 'must not point to an address that is not public'],
    ['https://0x7f000001/', 'must not point to an address that is not public'],
    ['https://0x7f.0.0.1/', 'must not point to an address that is not public'],
    ['https://0177.0.0.1/', 'must not point to an address that is not public'],
    ['https://017700000001/', 'must not point to an address that is not public'],
    ['https://127.0.0.1./', 'must not point to an address that is not public'],
    ['https://0/', 'must not point to an address that is not public'],
    ['https://10.0.0.1/', 'must not point to an address that is not public'],
    ['https://192.168.1.1:8443/', 'must not point to an address that is not public'],
    ['https://169.254.169.254/latest/meta-data', 'must not point to an address that is not public'],
    ['https://[::1]/', 'must not point to an address that is not public'],
    ['https://[::]/', 'must not point to an address that is not public'],
    ['https://[::ffff:127.0.0.1]/', 'must not point to an address that is not public'],
    ['https://[::ffff:a9fe:a9fe]/', 'must not point to an address that is not public'],
    ['https://[64:ff9b::10.0.0.1]/', 'must not point to an address that is not public'],
    ['https://[fd00::1]/', 'must not point to an address that is not public'],
  ])('refuses %j: %s', (url, message) => {
    expect(checkWebhookUrl(url, PRODUCTION)).toBe(message);
  });
});

it('tells the platform, but no customer, which setting allows a private address', () => {
  const told = (reader: 'platform' | 'customer') =>
    checkWebhookUrl('https://10.0.0.1/', { ...PRODUCTION, reader });
  expect(told('platform')).toBe(
    'must not point to an address that is not public, unless POSTHORN_ALLOWED_CIDRS allows its network',
  );
  expect(told('customer')).toBe('must not point to an address that is not public');
});

describe('in development', () => {
  it.each([
    'http://localhost:3000/hooks',
    'https://localhost/',
    'http://app.localhost/',
    'http://127.0.0.1:3000/',
    'http://127.1/',
    'http://[::1]:3000/',
    'http://[::ffff:127.0.0.1]:3000/',
    'https://example.com/',
  ])('takes %s in every profile', (url) => {
    expect(checkWebhookUrl(url, DEVELOPMENT)).toBeNull();
  });

  it.each([
    ['http://example.com/', 'must be an https URL'],
    ['http://8.8.8.8/', 'must be an https URL'],
    ['http://localhost.example.com/', 'must be an https URL'],
    ['http://10.0.0.1/', 'must not point to an address that is not public'],
    ['http://0.0.0.0/', 'must not point to an address that is not public'],
    ['http://localhost./', 'must not have a host that ends with a dot'],
  ])('still refuses %s: %s', (url, message) => {
    expect(checkWebhookUrl(url, DEVELOPMENT)).toBe(message);
  });

  it('takes http for any public host where the profile does', () => {
    expect(checkWebhookUrl('http://example.com/', HTTP_IN_DEVELOPMENT)).toBeNull();
    expect(checkWebhookUrl('http://10.0.0.1/', HTTP_IN_DEVELOPMENT)).not.toBeNull();
    expect(checkWebhookUrl('ftp://example.com/', HTTP_IN_DEVELOPMENT)).not.toBeNull();
  });
});

describe('with networks that the operator opened', () => {
  const opened = { ...PRODUCTION, allowedCidrs: ['10.1.0.0/16'] };

  it('takes addresses in them, by https only', () => {
    expect(checkWebhookUrl('https://10.1.2.3/', opened)).toBeNull();
    expect(checkWebhookUrl('http://10.1.2.3/', opened)).toBe('must be an https URL');
    expect(checkWebhookUrl('http://10.1.2.3/', { ...opened, development: true })).not.toBeNull();
    expect(checkWebhookUrl('https://10.2.0.1/', opened)).not.toBeNull();
  });

  it('takes loopback addresses by https only, outside of development', () => {
    const loopback = { ...PRODUCTION, allowedCidrs: ['127.0.0.0/8'] };
    expect(checkWebhookUrl('https://127.0.0.1/', loopback)).toBeNull();
    expect(checkWebhookUrl('http://127.0.0.1/', loopback)).toBe('must be an https URL');
  });
});

describe('the one form of a URL', () => {
  it.each([
    ['https://example.com', 'https://example.com/'],
    ['https://example.com?a=b', 'https://example.com/?a=b'],
    ['HTTPS://EXAMPLE.com:443/Hooks', 'https://example.com/Hooks'],
    ['http://example.com:80/', 'http://example.com/'],
    ['https://example.com:8443/', 'https://example.com:8443/'],
    ['https://example.com/a/./b/../c', 'https://example.com/a/c'],
    ['https://example.com/a/%2e%2e/b', 'https://example.com/b'],
    ['https://example.com/a/.%2E/%2e/b', 'https://example.com/b'],
    ['https://example.com/a//b/', 'https://example.com/a//b/'],
    ['https://example.com/%2F%7e', 'https://example.com/%2F%7e'],
    ['https://example.com/?', 'https://example.com/'],
    ['https://example.com/??', 'https://example.com/??'],
    ["https://example.com/it's?it's", "https://example.com/it's?it%27s"],
    ['https://example.com/{a}?{b}', 'https://example.com/%7Ba%7D?%7Bb%7D'],
    [
      'https://example.com/a|b^c`d"e<f>?g|h^i`j"k<l>',
      'https://example.com/a%7Cb%5Ec%60d%22e%3Cf%3E?g%7Ch%5Ei%60j%22k%3Cl%3E',
    ],
    ['https://example.com/[a]?b[]=c', 'https://example.com/%5Ba%5D?b%5B%5D=c'],
    ['https://example.com/100%?a=%zz&b=%e', 'https://example.com/100%25?a=%25zz&b=%25e'],
    [
      'https://example.com/grüße?größe=ü',
      'https://example.com/gr%C3%BC%C3%9Fe?gr%C3%B6%C3%9Fe=%C3%BC',
    ],
    ['https://example.com/🕓', 'https://example.com/%F0%9F%95%93'],
    ["https://example.com/-._~!$&'()*+,;=:@", "https://example.com/-._~!$&'()*+,;=:@"],
    ['https://0x7f.1/', 'https://127.0.0.1/'],
    ['https://[2606:4700:4700:0:0:0:0:1111]/', 'https://[2606:4700:4700::1111]/'],
  ])('%s is %s', (url, form) => {
    expect(canonicalWebhookUrl(url)).toBe(form);
  });

  it('is of itself the same, valid by RFC 3986, and what is sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (path, query) => {
        const url = `https://example.com/${path}?${query}`;
        fc.pre(checkWebhookUrl(url, PRODUCTION) === null);
        const form = canonicalWebhookUrl(url);
        expect(canonicalWebhookUrl(form)).toBe(form);
        expect(form).toMatch(/^https:\/\/example\.com\/([\w.~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/);
        const { pathname, search } = new URL(form);
        expect(`https://example.com${pathname}${search}`).toBe(form);
      }),
      { numRuns: 2_000 },
    );
  });
});
