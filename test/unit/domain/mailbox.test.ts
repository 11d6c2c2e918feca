import { ADDRESS_ALONE, addressOf, MAILBOX, WRITABLE_ADDRESS } from '../../../src/domain/mailbox';

it.each([
  ['jane@example.com'],
  ['jane+tag@example.com'],
  // Addresses that real mail systems have given out, dots side by side or at the end.
  ['a..b.@docomo.example'],
  ["o'neil/x=y!z%25&{}@example.com"],
  ['"john doe"@example.com'],
  ['"a@b \\" c"@example.com'],
  ['first."second part".third@example.com'],
  [`SRS0=${'x'.repeat(200)}=example.org=jane@forwarder.example`],
  ['jörg@müller.example'],
  ['用户@例子.广告'],
  ['root@localhost'],
  ['jane@[192.0.2.1]'],
  ['jane@[IPv6:2001:db8::1]'],
])('%j is an address, alone and with a name before it', (address) => {
  expect(ADDRESS_ALONE.test(address)).toBe(true);
  for (const name of ['', ' ', 'Jane ', '"Doe, Jane <x>" ', 'Jörg (Sales) ']) {
    const mailbox = `${name}<${address}>`;
    expect([MAILBOX.test(mailbox), addressOf(` ${mailbox} `)]).toEqual([true, address]);
    expect(ADDRESS_ALONE.test(mailbox)).toBe(false);
  }
  expect([MAILBOX.test(address), addressOf(address)]).toEqual([true, address]);
});

it.each([
  ['jane@example.com', true],
  ['a..b.@docomo.example', true],
  ['"a b"@example.com', true],
  ['"a \\" b"@example.com', true],
  ['用户@[192.0.2.1]', true],
  ['"a<b"@example.com', false],
  ['"a\\>b"@example.com', false],
  ['first."second part".third@example.com', false],
  ['"a""b"@example.com', false],
])('%j is an address that mails are written to: %s', (address, isWritable) => {
  expect(ADDRESS_ALONE.test(address)).toBe(true);
  expect(WRITABLE_ADDRESS.test(address)).toBe(isWritable);
});

it.each([
  '',
  'jane',
  '@example.com',
  'jane@',
  'jane doe@example.com',
  'jane@example.com, joe@example.com',
  '"jane@example.com',
  'jane@exam ple.com',
  'jane@a@b',
  'jane\r\nBcc: joe@example.com',
  'jane@example.com\n',
  'Jane <jane>',
  'Jane <jane@example.com',
  'Jane\n <jane@example.com>',
])('%j is none', (text) => {
  expect([ADDRESS_ALONE.test(text), MAILBOX.test(text)]).toEqual([false, false]);
});

it.each(['<', '"<', 'a@', '"\\"', 'a', '"a"', '<"<"', ' '])(
  'text of %j over and over is judged in no time',
  (part) => {
    const before = process.cpuUsage().user;
    for (const end of ['', '@', '>', 'x']) addressOf(part.repeat(100_000) + end);
    expect(process.cpuUsage().user - before).toBeLessThan(5_000_000);
  },
);
