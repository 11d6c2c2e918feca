/**
 * Hosts by which a webhook could be pointed into the operator's network, as they would be written in a URL,
 * by the way they try it. All of them must be refused: where webhooks are made, and again, since a document
 * may be older than a rule, where connections are.
 */
const ATTACKS_BY_WAY: Record<string, readonly string[]> = {
  private: ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.254', '192.168.0.1'],
  loopback: ['127.0.0.1', '127.0.0.2', '127.255.255.254', '[::1]', '[0:0:0:0:0:0:0:1]'],
  'this host': ['0.0.0.0', '0.1.2.3', '[::]'],
  'link-local': ['169.254.0.1', '169.254.255.254', '[fe80::1]', '[febf::1]', '[fec0::1]'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.254'],
  multicast: ['224.0.0.1', '239.255.255.250', '[ff02::1]', '[ff0e::1]'],
  broadcast: ['255.255.255.255'],
  'metadata services': [
    '169.254.169.254', // AWS, Azure, GCP, DigitalOcean, Oracle
    '169.254.170.2', // AWS ECS
    '100.100.100.200', // Alibaba
    '168.63.129.16', // Azure's host agent
    '192.0.0.192', // Oracle Classic
    '[fd00:ec2::254]', // AWS by IPv6
    '[fd20:ce::254]', // GCP by IPv6
  ],
  'IPv6 unique local': ['[fc00::1]', '[fd00::1]', '[fdff:ffff::1]'],
  'IPv4-mapped': ['[::ffff:10.0.0.1]', '[::ffff:7f00:1]', '[::ffff:169.254.169.254]'],
  'IPv4-compatible': ['[::127.0.0.1]', '[::a00:1]'],
  'IPv4-translated': ['[::ffff:0:127.0.0.1]'],
  NAT64: ['[64:ff9b::10.0.0.1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::a00:1]'],
  '6to4': ['[2002:a00:1::]', '[2002:7f00:1::1]', '[2002:a9fe:a9fe::1]'],
  Teredo: ['[2001:0:4136:e378:8000:63bf:3fff:fdd2]', '[2001::1]'],
  'other reserved networks': [
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '240.0.0.1',
    '[100::1]',
    '[2001:2::1]',
    '[2001:20::1]',
    '[2001:db8::1]',
    '[3fff::1]',
    '[5f00::1]',
  ],
  decimal: ['2130706433', '167772161', '2852039166', '3232235521'],
  octal: ['0177.0.0.1', '012.0.0.1', '0300.0250.0.1', '017700000001', '0251.0376.0251.0376'],
  hex: ['0x7f.0.0.1', '0x7f000001', '0xa.0.0.1', '0xA9FEA9FE', '0xc0a80001'],
  'short forms': ['127.1', '127.0.1', '10.1', '10.0.1', '192.168.1', '0'],
  'mixed forms': ['0x7f.1', '0177.1', '10.0x1', '169.0376.43518'],
  'a trailing dot': ['127.0.0.1.', '10.0.0.1.', '2130706433.', '0x7f.1.'],
  ports: ['10.0.0.1:22', '10.0.0.1:443', '127.0.0.1:27017', '169.254.169.254:80', '[::1]:7233'],
};

/** Names that a parser, a resolver or a person may take for an address or this machine. */
const NAMES_BY_WAY: Record<string, readonly string[]> = {
  localhost: ['localhost', 'LOCALHOST', 'localhost.', 'hooks.localhost', 'a.b.localhost.'],
  'full-width and circled digits': ['１２７.0.0.1', '①②⑦.⓪.⓪.①', '127。0。0。1'],
  'IDN letters': ['ⓛocalhost', 'ｌｏｃａｌｈｏｓｔ', 'bücher.example'],
  'percent-encoding': ['%31%32%37.0.0.1', '127%2e0%2e0%2e1', 'loc%61lhost'],
  'trailing dots of names': ['example.com.', 'metadata.google.internal.'],
  credentials: ['example.com@127.0.0.1', 'user:pass@10.0.0.1', '127.0.0.1@example.com'],
  'other delimiters': [
    'example.com\\@127.0.0.1',
    '127.0.0.1\\.example.com',
    '127.0.0.1\t',
    ' 127.0.0.1',
  ],
  'fragments in between': ['example.com#@127.0.0.1', '127.0.0.1#.example.com'],
  'no address at all': ['256.0.0.1', '1.2.3.4.5', '0x100000000', '[::g]', '[fe80::1%25eth0]', ''],
};

const listed = (ways: Record<string, readonly string[]>): [way: string, host: string][] =>
  Object.entries(ways).flatMap(([way, hosts]) =>
    hosts.map((host): [string, string] => [way, host]),
  );

/** Each represents an address. */
export const ADDRESS_ATTACKS = listed(ATTACKS_BY_WAY);
/** None is a possible host of a webhook; tested only at the API, no URL gets further with it. */
export const NAME_ATTACKS = listed(NAMES_BY_WAY);
