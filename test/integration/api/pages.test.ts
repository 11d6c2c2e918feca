import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express, { type ErrorRequestHandler } from 'express';
import { FailedLookups } from '../../../src/api/http/failed-lookups';
import { pagesRouter } from '../../../src/api/pages/pages';
import { say } from '../../support/connections';
import { useStack } from '../../support/use';

const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-bundle-'));
const write = (name: string, content: string): void => {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), content);
};
write('assets/index-4f2a9c.js', 'export {};');
write('assets/index-77ab01.css', 'body{}');
write('favicon.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>');
write('.env', 'SECRET=1');
afterAll(() => rmSync(folder, { recursive: true }));

const stack = useStack({}, { worker: false, bundleFolder: folder });
const get = (address: string, init: RequestInit = {}): Promise<Response> =>
  fetch(stack.url + address, { redirect: 'manual', ...init });

it('without a bundle a page says how to build it', async () => {
  rmSync(path.join(folder, 'index.html'), { force: true });
  const answer = await get('/dashboard/');
  expect(answer.status).toBe(503);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await answer.text()).toContain('npm run build');
});

describe('the dashboard', () => {
  const PAGE = '<!doctype html><title>Posthorn</title>';
  beforeAll(() => write('index.html', PAGE));

  it.each(['/dashboard/', '/dashboard/?x=1', '/dashboard/index.html'])(
    'is the page at %s, framed and cached by nobody',
    async (address) => {
      const answer = await get(address);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toBe(PAGE);
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('x-frame-options')).toBe('DENY');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
      const policy = answer.headers.get('content-security-policy')!.split(';');
      expect(policy).toEqual(
        expect.arrayContaining([
          "default-src 'self'",
          "script-src 'self'",
          "script-src-attr 'none'",
          "object-src 'none'",
          "frame-ancestors 'none'",
        ]),
      );
    },
  );

  it.each([
    ['/dashboard/assets/index-4f2a9c.js', 'text/javascript; charset=utf-8', true],
    ['/dashboard/assets/index-77ab01.css', 'text/css; charset=utf-8', true],
    ['/dashboard/favicon.svg', 'image/svg+xml', false],
  ])('has the file %s as %s', async (address, type, isImmutable) => {
    const answer = await get(address);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.headers.get('cache-control')).toBe(
      isImmutable ? 'public, max-age=31536000, immutable' : 'no-store',
    );
    const head = await get(address, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it.each([
    '/dashboard/assets/index-000000.js',
    '/dashboard/assets/',
    '/dashboard/assets/x',
    // What a page asks for if it is opened below the dashboard's own address.
    '/dashboard/deliveries/assets/index-4f2a9c.js',
    '/portal/ext:acme/assets/index-000000.js',
    '/portal/ext:acme/webhooks/app.css',
    '/dashboard/favicon.ico',
    '/dashboard/app.js.map',
    '/dashboard/..%2f..%2fpackage.json',
    '/dashboard/%2e%2e/%2e%2e/package.json',
  ])('has no file %s', async (address) => {
    const answer = await get(address);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it.each([
    ['/dashboard/deliveries', '/dashboard/#/deliveries'],
    ['/dashboard/deliveries/', '/dashboard/#/deliveries/'],
    [
      '/dashboard/deliveries/dlv_0192f5ab05147f72ae8091a2b3c45678?tab=attempts',
      '/dashboard/#/deliveries/dlv_0192f5ab05147f72ae8091a2b3c45678?tab=attempts',
    ],
    ['/dashboard/event-types/email.sent', '/dashboard/#/event-types/email.sent'],
    [
      '/dashboard/webhooks/ext:acme%2Fexample/edit',
      '/dashboard/#/webhooks/ext:acme%2Fexample/edit',
    ],
    ['/dashboard//evil.example', '/dashboard/#//evil.example'],
    ['/dashboard/.env', '/dashboard/#/.env'],
    ['/portal/ext:acme/deliveries?status=failed', '/portal/ext:acme/#/deliveries?status=failed'],
    ['/portal/ext:acme/webhooks/new', '/portal/ext:acme/#/webhooks/new'],
  ])('has its pages behind the #: %s leads to %s', async (address, page) => {
    const answer = await get(address);
    expect(answer.status).toBe(302);
    const target = new URL(answer.headers.get('location')!, stack.url + address);
    expect(target.href).toBe(stack.url + page);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const followed = await get(address, { redirect: 'follow' });
    expect([followed.status, await followed.text()]).toEqual([200, PAGE]);
  });

  it('is a portal too, framed by the origins of its project alone', async () => {
    const origins = ['https://app.example.com', 'http://localhost:3000'];
    const { id } = await stack.project({ externalId: 'acme', portalOrigins: origins });
    const policyOf = async (address: string): Promise<string[]> => {
      const answer = await get(address);
      expect([answer.status, await answer.text()]).toEqual([200, PAGE]);
      expect(answer.headers.get('x-frame-options')).toBeNull();
      expect(answer.headers.get('cache-control')).toBe('no-store');
      return answer.headers.get('content-security-policy')!.split(';');
    };
    const list = origins.join(' ');
    for (const address of [`/portal/${id}/`, `/portal/${id}/?x=1`]) {
      expect(await policyOf(address)).toEqual(
        expect.arrayContaining([
          `frame-ancestors ${list}`,
          `img-src 'self' data: ${list}`,
          "script-src 'self'",
        ]),
      );
    }
    const other = await stack.project();
    const unknown = ['proj_0192f5a7c1d07b3e9a4c5d6e7f801234', 'x'];
    // Whether an external id is a customer's is for nobody to find out here.
    for (const none of [other.id, ...unknown, 'ext:acme', 'ext:nobody']) {
      expect(await policyOf(`/portal/${none}/`)).toContain("frame-ancestors 'none'");
    }
    await stack.admin.patch(`/v1/projects/${id}`, { portalOrigins: [] });
    expect(await policyOf(`/portal/${id}/`)).toContain("frame-ancestors 'none'");
    expect(
      (await get(`/portal/${id}/assets/index-4f2a9c.js`)).headers.get('content-type'),
    ).toContain('text/javascript');
    const bare = await get('/portal/ext:acme');
    expect([bare.status, bare.headers.get('location')]).toEqual([308, './ext:acme/']);
  });

  it('has its pages below a folder, and accepts nothing there', async () => {
    const answer = await get('/dashboard?x=1');
    expect([answer.status, answer.headers.get('location')]).toEqual([308, './dashboard/?x=1']);
    expect((await get('/dashboard/deliveries', { method: 'POST' })).status).toBe(404);
  });
});

describe('the files of pages', () => {
  beforeAll(() => write('index.html', '<!doctype html>'));

  const CONDITIONS = {
    'If-Match': '"x"',
    'If-Unmodified-Since': 'Sat, 01 Jan 2000 00:00:00 GMT',
    Range: 'bytes=99999999-',
  };
  it.each([
    '/dashboard/',
    '/portal/ext:acme/',
    '/dashboard/assets/index-4f2a9c.js',
    '/docs',
    '/docs/swagger-ui.css',
  ])('are sent whole whatever conditions and ranges a client names: %s', async (address) => {
    for (const [name, value] of Object.entries(CONDITIONS)) {
      const answer = await get(address, { headers: { [name]: value } });
      expect([name, answer.status]).toEqual([name, 200]);
      expect(answer.headers.get('accept-ranges')).toBeNull();
    }
  });

  it('are no error where the client has gone', async () => {
    const errors: unknown[] = [];
    const app = express();
    let tellRouted = (): void => {};
    const routed = new Promise<void>((resolve) => (tellRouted = resolve));
    app.use((req, _res, next) => {
      if (req.query['waits'] === undefined) {
        next();
        return;
      }
      req.socket.once('close', () => {
        next();
        tellRouted();
      });
    });
    app.use(pagesRouter(stack.store, folder, new FailedLookups(10, 'portals')));
    const record: ErrorRequestHandler = (error, _req, _res, _next) => void errors.push(error);
    app.use(record);
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;

    const waits = once(server, 'request');
    const socket = await say(port, 'GET /dashboard/?waits HTTP/1.1\r\nHost: a\r\n\r\n');
    await waits;
    socket.destroy();
    await routed;
    // It is answered later than the one before it.
    expect((await fetch(`http://127.0.0.1:${port}/dashboard/`)).status).toBe(200);
    expect(errors).toEqual([]);
    server.close();
  });
});
