import type { LookupAddress } from 'node:dns';
import os, { type NetworkInterfaceInfo } from 'node:os';
import {
  AddressGuard,
  type AddressGuardOptions,
  BlockedAddressError,
} from '../../../src/delivery/address-guard';
import { DnsError } from '../../../src/delivery/resolver';

const CLOSED = { allowLoopback: false, allowedCidrs: [] };

describe('without exceptions', () => {
  const guard = new AddressGuard(CLOSED);

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '168.63.129.15',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:4860:4860::8888',
    '2606:4700:4700::1111',
    '2a00:1450:4001:81b::200e',
  ])('lets the public address %s through', (address) => {
    expect(guard.check(address)).toBeNull();
  });

  it.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['10.0.0.1', 'private'],
    ['10.255.255.255', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.0.1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.0.1', 'linkLocal'],
    ['169.254.169.254', 'linkLocal'],
    ['169.254.170.2', 'linkLocal'],
    ['100.64.0.1', 'carrierGradeNat'],
    ['100.100.100.200', 'carrierGradeNat'],
    ['100.127.255.255', 'carrierGradeNat'],
    ['168.63.129.16', 'metadata'],
    ['192.0.0.1', 'reserved'],
    ['192.0.0.192', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['192.88.99.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['198.51.100.1', 'reserved'],
    ['203.0.113.1', 'reserved'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.254', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::1%lo', 'loopback'],
    ['fe80::1', 'linkLocal'],
    ['fe80::1%eth0', 'linkLocal'],
    ['febf::1', 'linkLocal'],
    ['fec0::1', 'deprecatedSiteLocal'],
    ['fc00::1', 'uniqueLocal'],
    ['fd00:ec2::254', 'uniqueLocal'],
    ['ff02::1', 'multicast'],
    ['::ffff:127.0.0.1', 'ipv4Mapped'],
    ['::ffff:7f00:1', 'ipv4Mapped'],
    ['::ffff:10.0.0.1', 'ipv4Mapped'],
    ['::ffff:8.8.8.8', 'ipv4Mapped'],
    ['::7f00:1', 'ipv4Compatible'],
    ['::a00:1', 'ipv4Compatible'],
    ['::808:808', 'ipv4Compatible'],
    ['::ffff:0:127.0.0.1', 'rfc6145'],
    ['64:ff9b::7f00:1', 'rfc6052'],
    ['64:ff9b::169.254.169.254', 'rfc6052'],
    ['64:ff9b::808:808', 'rfc6052'],
    ['64:ff9b:1::a00:1', 'rfc6052'],
    ['2002:7f00:1::', '6to4'],
    ['2002:a9fe:a9fe::1', '6to4'],
    ['2002:808:808::1', '6to4'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'teredo'],
    ['2001:db8::1', 'reserved'],
    ['3fff::1', 'reserved'],
    ['2001:2::1', 'benchmarking'],
    ['2001:20::1', 'orchid2'],
    ['100::1', 'discard'],
    ['100:0:0:1::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['5f00::1', 'segmentRouting'],
    ['fe00::1', 'reserved'],
    ['0177.0.0.1', 'invalid'],
    ['0x7f.0.0.1', 'invalid'],
    ['2130706433', 'invalid'],
    ['127.1', 'invalid'],
    ['[::1]', 'invalid'],
    ['localhost', 'invalid'],
    ['', 'invalid'],
  ])('refuses %s as %s', (address, range) => {
    expect(guard.check(address)).toBe(range);
  });
});

describe('in development', () => {
  const guard = new AddressGuard({ allowLoopback: true, allowedCidrs: [] });

  it.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])('lets %s through', (address) => {
    expect(guard.check(address)).toBeNull();
  });

  it.each([
    '0.0.0.0',
    '10.0.0.1',
    '169.254.169.254',
    '::',
    '::7f00:1',
    '64:ff9b::7f00:1',
    'fd00::1',
  ])('still refuses %s', (address) => {
    expect(guard.check(address)).not.toBeNull();
  });
});

describe('with networks that the operator opened', () => {
  const guard = new AddressGuard({
    allowLoopback: false,
    allowedCidrs: ['10.1.0.0/16', 'fd00:1::/32', '64:ff9b::/96', '2002::/16'],
  });

  it.each([
    '10.1.0.1',
    '10.1.255.255',
    'fd00:1::5',
    '::ffff:10.1.2.3',
    // Both the outer and the inner address are public or opened.
    '64:ff9b::8.8.8.8',
    '64:ff9b::10.1.2.3',
    '2002:808:808::1',
  ])('lets %s through', (address) => {
    expect(guard.check(address)).toBeNull();
  });

  it.each([
    ['10.0.255.255', 'private'],
    ['10.2.0.0', 'private'],
    ['fd00:2::5', 'uniqueLocal'],
    ['127.0.0.1', 'loopback'],
    ['::ffff:10.2.0.1', 'ipv4Mapped'],
    ['64:ff9b::127.0.0.1', 'loopback'],
    ['64:ff9b::169.254.169.254', 'linkLocal'],
    ['2002:a00:1::1', 'private'],
  ])('still refuses %s as %s', (address, range) => {
    expect(guard.check(address)).toBe(range);
  });

  it.each(['10.0.0.1', '10/8', '10.0.0.0/33', 'fd00::/129', 'example.com/8', ''])(
    'does not start with %j, which is not a network',
    (cidr) => {
      expect(() => new AddressGuard({ allowLoopback: false, allowedCidrs: [cidr] })).toThrow(
        'not a network in CIDR notation',
      );
    },
  );
});

describe('lookup', () => {
  const PUBLIC = { address: '93.184.216.34', family: 4 };
  const PUBLIC_V6 = { address: '2606:2800:220:1::1', family: 6 };
  const PRIVATE = { address: '10.0.0.7', family: 4 };

  const own = (address: string, internal = false) =>
    ({
      address,
      internal,
      family: address.includes(':') ? 'IPv6' : 'IPv4',
    }) as NetworkInterfaceInfo;
  const without = [own('127.0.0.1', true), own('::1', true), own('192.0.2.2'), own('fe80::2')];
  const having = (...of: NetworkInterfaceInfo[]) =>
    jest.spyOn(os, 'networkInterfaces').mockReturnValue({ eth0: of });
  beforeEach(() => void having(...without, own('fd00::2')));
  afterEach(() => jest.restoreAllMocks());

  function lookup(
    answer: LookupAddress[] | Error,
    policy: Partial<AddressGuardOptions> = {},
  ): Promise<unknown> {
    const guard = new AddressGuard({
      ...CLOSED,
      ...policy,
      resolve: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
    });
    return new Promise((resolve, reject) => {
      guard.lookup('hooks.example', { all: true }, (error, addresses) =>
        error ? reject(error) : resolve(addresses),
      );
    });
  }

  describe('answers those that are reached from here', () => {
    const LOOPBACK_V6 = { address: '::1', family: 6 };

    it('of both families on a machine with IPv6', async () => {
      expect(await lookup([PUBLIC_V6, PUBLIC])).toEqual([PUBLIC_V6, PUBLIC]);
    });

    it('of IPv4 on one without: each but the last has only a part of the time', async () => {
      having(...without);
      expect(await lookup([PUBLIC_V6, PUBLIC])).toEqual([PUBLIC]);
      const local = { allowLoopback: true };
      expect(await lookup([PUBLIC, LOOPBACK_V6], local)).toEqual([PUBLIC, LOOPBACK_V6]);
    });

    it('of IPv6 if there are no others', async () => {
      having(...without);
      expect(await lookup([PUBLIC_V6])).toEqual([PUBLIC_V6]);
    });
  });

  it.each([
    ['the only one', [PRIVATE]],
    ['the first', [PRIVATE, PUBLIC]],
    ['the last', [PUBLIC, PUBLIC_V6, PRIVATE]],
    ['mapped', [PUBLIC, { address: '::ffff:10.0.0.7', family: 6 }]],
    ['unreadable', [{ address: 'nonsense', family: 4 }]],
  ])('refuses the whole answer when the blocked address is %s', async (_case, answer) => {
    await expect(lookup(answer)).rejects.toThrow(BlockedAddressError);
  });

  it('answers the first eight of many, of both families in turn, and all are checked', async () => {
    const v6 = Array.from({ length: 50 }, (_, n) => ({
      address: `2606:2800:220:1::${n}`,
      family: 6,
    }));
    const v4 = Array.from({ length: 50 }, (_, n) => ({ address: `93.184.216.${n}`, family: 4 }));
    const both = await lookup([...v6, ...v4]);
    const pairs = v6.slice(0, 4).flatMap((address, n) => [address, v4[n]]);
    expect(both).toEqual(pairs);
    const one = await lookup(v4);
    expect(one).toEqual(v4.slice(0, 8));
    await expect(lookup([...v4, PRIVATE])).rejects.toThrow(BlockedAddressError);
  });

  it('does not reveal which address the name resolves to', async () => {
    await expect(lookup([PRIVATE])).rejects.toThrow(
      /^hooks\.example resolves to an address that is not public$/,
    );
  });

  it('lets through what the policy opens', async () => {
    expect(await lookup([PRIVATE], { allowedCidrs: ['10.0.0.0/24'] })).toEqual([PRIVATE]);
  });

  it("passes the resolver's error on", async () => {
    const error = new DnsError('hooks.example', 'ESERVFAIL');
    await expect(lookup(error)).rejects.toBe(error);
  });

  it('takes an empty answer for a name that does not exist', async () => {
    await expect(lookup([])).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('uses the resolver of the system unless told otherwise', async () => {
    const guard = new AddressGuard({ allowLoopback: true, allowedCidrs: [] });
    expect(await guard.addressesOf('localhost')).toEqual(['127.0.0.1', '::1']);
  });
});

describe('checkLiteral', () => {
  const guard = new AddressGuard(CLOSED);

  it('refuses a blocked address, naming it: the URL does so too', () => {
    expect(guard.checkLiteral('10.0.0.7')).toEqual(new BlockedAddressError('10.0.0.7'));
    expect(guard.checkLiteral('10.0.0.7')?.message).toBe('10.0.0.7 is not a public address');
  });

  it('leaves public addresses and names alone', () => {
    expect(guard.checkLiteral('8.8.8.8')).toBeNull();
    expect(guard.checkLiteral('hooks.example')).toBeNull();
  });
});
