import fs, { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { systemResolver } from '../../../src/delivery/resolver';
import { eventually } from '../../support/eventually';
import { type NameAnswer, NameServer } from '../../support/name-server';

const REFUSED = { rcode: 5 };
const LACKING = { rcode: 4 };
const UNKNOWN = { rcode: 3 };
const BROKEN = { rcode: 2 };
const v4 = (address: string) => ({ address, family: 4 });
const v6 = (address: string) => ({ address, family: 6 });

const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-hosts-'));
const hostsFile = path.join(folder, 'hosts');
const names: Record<string, NameAnswer> = {
  'both.example': {
    A: ['192.0.2.1', '192.0.2.2'],
    AAAA: ['2001:db8:0:0:0:0:0:1'],
  },
  'old.example': { A: ['192.0.2.3'] },
  'new.example': { AAAA: ['2001:db8:0:0:0:0:0:2'] },
  'half.example': { AAAA: ['2001:db8:0:0:0:0:0:3'] },
  'partly-broken.example': { AAAA: ['2001:db8:0:0:0:0:0:3'] },
  'empty.example': {},
  'unknown.example': UNKNOWN,
  'broken.example': BROKEN,
  'refused.example': REFUSED,
  'lacking.example': LACKING,
  'listed.example': { A: ['192.0.2.9'] },
  receiver: { A: ['192.0.2.4'] },
};
let server: NameServer;
beforeAll(async () => {
  server = await NameServer.start((name, type) => {
    if (type === 'A' && name === 'half.example') return 'silent';
    if (type === 'A' && name === 'partly-broken.example') return BROKEN;
    return names[name] ?? 'silent';
  });
});
beforeEach(() => {
  writeFileSync(
    hostsFile,
    [
      '# the machine’s own',
      '127.0.0.1 localhost',
      '10.0.0.5\tListed.example other.example # both',
      'fd00::5 listed.example',
      'nonsense broken.example',
    ].join('\n'),
  );
  server.asked.length = 0;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const resolver = () => systemResolver({ nameServers: [server.address], hostsFile });

describe('a host’s addresses', () => {
  it.each([
    ['both.example', [v4('192.0.2.1'), v4('192.0.2.2'), v6('2001:db8::1')]],
    ['old.example', [v4('192.0.2.3')]],
    ['new.example', [v6('2001:db8::2')]],
    ['both.example.', [v4('192.0.2.1'), v4('192.0.2.2'), v6('2001:db8::1')]],
    // A service of docker-compose is known to its name server, and to no hosts file.
    ['receiver', [v4('192.0.2.4')]],
  ])('are those of both families that DNS has: %s', async (host, addresses) => {
    // The second answer is waited for, but not for long.
    await eventually('both have come in time', async () =>
      isDeepStrictEqual(await resolver()(host), addresses),
    );
  });

  it.each([
    ['listed.example', [v4('10.0.0.5'), v6('fd00::5')]],
    ['LISTED.example.', [v4('10.0.0.5'), v6('fd00::5')]],
    ['other.example', [v4('10.0.0.5')]],
    ['localhost', [v4('127.0.0.1'), v6('::1')]],
    ['localhost.', [v4('127.0.0.1'), v6('::1')]],
    ['app.localhost', [v4('127.0.0.1'), v6('::1')]],
  ])('are the hosts file’s before any name server is asked: %s', async (host, addresses) => {
    expect(await resolver()(host)).toEqual(addresses);
    expect(server.asked).toEqual([]);
  });

  it('follow the hosts file when it changes or is removed', async () => {
    const resolve = resolver();
    expect(await resolve('other.example')).toEqual([v4('10.0.0.5')]);
    writeFileSync(hostsFile, '10.0.0.6 other.example');
    utimesSync(hostsFile, new Date(), new Date(Date.now() + 1000));
    expect(await resolve('other.example')).toEqual([v4('10.0.0.6')]);
    rmSync(hostsFile);
    expect(await resolve('listed.example')).toEqual([v4('192.0.2.9')]);
  });

  it('go on to the name servers where the hosts file may not be read', async () => {
    const unreadable = path.join(folder, 'unreadable');
    mkdirSync(unreadable);
    const resolve = systemResolver({ nameServers: [server.address], hostsFile: unreadable });
    expect(await resolve('listed.example')).toEqual([v4('192.0.2.9')]);
  });

  it('follow the hosts file again once the process has file descriptors', async () => {
    const resolve = resolver();
    const read = jest.spyOn(fs, 'readFileSync').mockImplementationOnce(() => {
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    });
    await expect(resolve('other.example')).rejects.toMatchObject({ code: 'EMFILE' });
    read.mockRestore();
    expect(await resolve('other.example')).toEqual([v4('10.0.0.5')]);
  });

  it.each([
    ['unknown.example', 'ENOTFOUND'],
    ['empty.example', 'ENOTFOUND'],
    ['broken.example', 'ESERVFAIL'],
    ['refused.example', 'EREFUSED'],
    ['a..b', 'EBADNAME'],
  ])('can not be resolved: %s, %s', async (host, code) => {
    await expect(resolver()(host)).rejects.toMatchObject({ name: 'DnsError', code });
  });

  it('are given up when no name server answers, after having asked again', async () => {
    await eventually('it is asked again in time', async () => {
      server.asked.length = 0;
      await expect(resolver()('silent.example')).rejects.toMatchObject({ code: 'ETIMEOUT' });
      return server.asked.length > 2;
    });
  });

  it('of IPv6 are enough once a name server that never answers for IPv4 was asked again', async () => {
    await eventually('it is left in time', async () => {
      server.asked.length = 0;
      expect(await resolver()('half.example')).toEqual([v6('2001:db8::3')]);
      // In five seconds it would be asked thrice for IPv4.
      return server.asked.length < 4;
    });
  });

  describe('with several name servers', () => {
    /** One that answers the same about every name. */
    const answering = (answer: NameAnswer) => NameServer.start(() => answer);
    const resolveBy = async (host: string, ...others: NameServer[]) => {
      const nameServers = [server, ...others].map(({ address }) => address);
      try {
        return await systemResolver({ nameServers, hostsFile })(host);
      } finally {
        await Promise.all(others.map((other) => other.close()));
      }
    };

    it.each(['silent.example', 'broken.example', 'refused.example', 'lacking.example'])(
      'are the next one’s when the first gives no answer about the name: %s',
      async (host) => {
        await eventually('it is asked in time', async () => {
          const healthy = await answering({ A: ['192.0.2.7'] });
          const found = await resolveBy(host, await answering(BROKEN), healthy).catch(() => null);
          return isDeepStrictEqual(found, [v4('192.0.2.7')]);
        });
      },
    );

    it('are the next one’s of the family that the first fails for', async () => {
      await eventually('it is asked in time', async () => {
        const healthy = await answering({ A: ['192.0.2.7'], AAAA: ['2001:db8:0:0:0:0:0:7'] });
        const found = await resolveBy('partly-broken.example', healthy).catch(() => null);
        return isDeepStrictEqual(found, [v4('192.0.2.7'), v6('2001:db8::3')]);
      });
    });

    it('are not asked for again when the first says that there are none', async () => {
      const other = await answering({ A: ['192.0.2.7'] });
      await expect(resolveBy('unknown.example', other)).rejects.toMatchObject({
        code: 'ENOTFOUND',
      });
      expect(other.asked).toEqual([]);
    });

    it.each<[string, NameAnswer, string]>([
      ['that there are none', UNKNOWN, 'ENOTFOUND'],
      ['nothing', 'silent', 'ESERVFAIL'],
    ])('can not be resolved when the first fails and the next says %s', async (_, says, code) => {
      const other = await answering(says);
      await expect(resolveBy('broken.example', other)).rejects.toMatchObject({ code });
    });
  });
});
