import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { loadConfig, ROLES } from '../../src/config/config';
import { settings } from '../../src/config/settings';

const root = path.resolve(__dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

interface Service {
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string | number>;
  healthcheck?: { test: string[] };
  volumes?: string[];
  networks?: string[];
}

const text = read('docker-compose.yml');
const { services } = parse(text, { merge: true }) as { services: Record<string, Service> };
const ofPosthorn = ['api', 'worker', 'setup'];

/** What the file leaves out, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  TEMPORAL_TLS: 'the Temporal of the stack speaks plain gRPC, on a network that nothing else is on',
  TEMPORAL_API_KEY: 'it has no keys',
};

/** What the file sets itself: the settings of a host machine, in a .env, don't fit its containers. */
const FIXED = ['HOST', 'PORT', 'MONGODB_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'];

/** `${NAME:-default}` and `${NAME:?message}`, as Compose puts them in from the environment. */
function interpolate(value: string | number, environment: Record<string, string>): string {
  // From the inside out: a default may hold another one.
  const innermost = /\$\{(\w+)(?::([-?])([^${}]*))?\}/;
  let result = String(value);
  for (let found = innermost.exec(result); found; found = innermost.exec(result)) {
    const [whole, name, kind, other = ''] = found;
    if (!environment[name!] && kind === '?') throw new Error(`${name}: ${other}`);
    result = result.replace(whole, () => environment[name!] || other);
  }
  return result;
}

function environmentOf(service: string, given: Record<string, string>): Record<string, string> {
  const entries = Object.entries(services[service]!.environment ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, interpolate(value, given)]));
}

const secrets = {
  POSTHORN_ADMIN_KEY: 'an-admin-key-of-24-chars-or-more',
  POSTHORN_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  POSTGRES_PASSWORD: 'password',
};

describe('docker-compose.yml', () => {
  it('passes every setting to the processes of Posthorn, or leaves it out for a reason', () => {
    const passed = new Set(
      ofPosthorn.flatMap((name) => Object.keys(services[name]!.environment ?? {})),
    );
    const settled = [...passed, ...Object.keys(LEFT_OUT)];
    expect(settled.toSorted()).toEqual(Object.keys(settings.shape).toSorted());
    for (const name of Object.keys(LEFT_OUT)) expect(text).toContain(name);
  });

  it.each(
    Object.keys(settings.shape).filter((name) => !(name in LEFT_OUT) && !FIXED.includes(name)),
  )('takes %s from the environment, wherever it is passed to', (name) => {
    const given = { ...secrets, [name]: 'MARK' };
    const values = ofPosthorn.flatMap((service) => environmentOf(service, given)[name] ?? []);
    expect(new Set(values)).toEqual(new Set(['MARK']));
  });

  it('starts every role with nothing but the three secrets set, as settings that are right', () => {
    for (const role of ROLES.filter((one) => ofPosthorn.includes(one))) {
      const config = loadConfig(role, environmentOf(role, secrets));
      expect(services[role]!.command).toEqual([role]);
      expect(config.temporal).toMatchObject({ address: 'temporal:7233', namespace: 'posthorn' });
      const defaults = loadConfig(role, {
        ...environmentOf(role, secrets),
        ...Object.fromEntries(
          Object.keys(settings.shape)
            .filter((name) => !FIXED.includes(name) && !(name in secrets))
            .filter((name) => !['METRICS_ADDRESS', 'TEMPORAL_UI_URL'].includes(name))
            .map((name) => [name, '']),
        ),
      });
      expect(config).toEqual(defaults);
    }
  });

  it('ignores of a .env what is for a machine of one’s own', () => {
    const env = { ...secrets, HOST: '127.0.0.1', PORT: '9', TEMPORAL_ADDRESS: '127.0.0.1:7233' };
    const { host, port, temporal } = loadConfig('api', environmentOf('api', env));
    expect([host, port, temporal.address]).toEqual(['0.0.0.0', 8080, 'temporal:7233']);
  });

  it('lets every process of Posthorn reach databases elsewhere, too', () => {
    for (const name of ofPosthorn) expect(services[name]!.networks).toContain('internet');
  });

  it('asks each process of Posthorn itself whether it is well, at the address that it listens on', () => {
    const checkOf = (name: string): string => services[name]!.healthcheck!.test.at(-1)!;
    expect(checkOf('api')).toContain("'http://127.0.0.1:8080/readyz'");
    expect(checkOf('worker')).toContain('process.env.METRICS_ADDRESS');
    expect(environmentOf('worker', secrets).METRICS_ADDRESS).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('names only variables that are documented', () => {
    const documented = `${read('.env.example')}\n${read('docs/operating.md')}`;
    const names = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name!));
    for (const name of names) expect(documented).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('labels bind mounts for SELinux, and lets the Web UI be used over plain http', () => {
    const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes);
    for (const mount of mounts.filter((one) => one.startsWith('.'))) {
      expect(mount).toMatch(/:ro,z$/);
    }
    expect(services['temporal-ui']!.environment).toMatchObject({
      TEMPORAL_CSRF_COOKIE_INSECURE: 'true',
    });
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile');

  it('listens where others can reach it', () => {
    expect(dockerfile).toMatch(/^ENV HOST=0\.0\.0\.0$/m);
  });

  it('is of one Node, at least as new as package.json asks for', () => {
    const versions = new Set([...dockerfile.matchAll(/^FROM node:(\d+)\./gm)].map(([, v]) => v));
    expect(versions.size).toBe(1);
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    expect(Number([...versions][0])).toBeGreaterThanOrEqual(Number(/\d+/.exec(engines.node)![0]));
  });
});
