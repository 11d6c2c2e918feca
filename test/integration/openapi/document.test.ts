import { Router, type Express } from 'express';
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { createApi } from '../../../src/api/app';
import { Cipher } from '../../../src/store/cipher';
import { ApiClient } from '../../support/api-client';
import { assertDocumented, document, validatorAt } from '../../support/conformance';
import { useStack } from '../../support/use';

interface MediaType {
  schema?: unknown;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Operation {
  operationId: string;
  summary?: string;
  tags?: string[];
  security?: Record<string, unknown>[];
  requestBody?: { content: Record<string, MediaType> };
  responses: Record<string, { $ref?: string; content?: Record<string, MediaType> }>;
}
type Paths = Record<string, Record<string, Operation>>;

const { paths, webhooks, components } = document as unknown as {
  paths: Paths;
  webhooks: Paths;
  components: { responses: Operation['responses'] };
};
const operations = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

/** Every JSON body in the document with where its schema stands. */
function* jsonBodies(): Generator<[string[], MediaType]> {
  for (const [section, items] of Object.entries({ paths, webhooks })) {
    for (const [path, item] of Object.entries(items)) {
      for (const [method, { requestBody, responses }] of Object.entries(item)) {
        const body = requestBody?.content['application/json'];
        const at = [section, path, method];
        if (body) yield [[...at, 'requestBody', 'content', 'application/json'], body];
        for (const [status, { content }] of Object.entries(responses)) {
          const json = content?.['application/json'];
          if (json) yield [[...at, 'responses', status, 'content', 'application/json'], json];
        }
      }
    }
  }
  for (const [name, { content }] of Object.entries(components.responses)) {
    const at = ['components', 'responses', name, 'content', 'application/json'];
    yield [at, content!['application/json']!];
  }
}

/** The app's routes. Express forgets where routers are mounted, so that is noted while it is made. */
function routesOf(makeApp: () => Express): string[] {
  const mounts = new Map<unknown, string>();
  const prototype = Router.prototype as { use: (...args: unknown[]) => unknown };
  const { use } = prototype;
  prototype.use = function noted(this: unknown, ...args: unknown[]) {
    const path = typeof args[0] === 'string' && args[0] !== '/' ? args[0] : '';
    for (const handler of args) mounts.set(handler, path);
    return use.apply(this, args);
  };
  const app = makeApp();
  prototype.use = use;
  interface Layer {
    route?: { path: string; stack: { method: string }[] };
    handle: { stack?: Layer[] };
  }
  const walk = (layers: Layer[], prefix: string): string[] =>
    layers.flatMap(({ route, handle }) => {
      if (!route) return handle.stack ? walk(handle.stack, prefix + mounts.get(handle)!) : [];
      const path = `${prefix}${route.path}`.replace(/(?<=.)\/$/, '').replaceAll(/:(\w+)/g, '{$1}');
      return [...new Set(route.stack.map(({ method }) => `${method} ${path}`))];
    });
  return walk((app as unknown as { router: { stack: Layer[] } }).router.stack, '');
}

describe('the OpenAPI document', () => {
  const stack = useStack({}, { worker: false });

  it('has every route of the app, and no other', () => {
    const { store, engine, tenantCpu, config } = stack;
    const cipher = new Cipher(randomBytes(32));
    const log = pino({ level: 'silent' });
    const readiness = { unready: null };
    const routes = routesOf(
      () => createApi({ store, engine, cipher, tenantCpu, log, readiness, config }).app,
    );
    expect(operations.map(({ path, method }) => `${method} ${path}`).toSorted()).toEqual(
      routes.toSorted(),
    );
    expect(routes.length).toBeGreaterThan(45);
  });

  it('names, tags and sums up every operation', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operation } of operations) {
      expect(operation).toMatchObject({
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/^[A-Z]/),
        tags: [expect.stringMatching(/^[A-Z]/)],
        security: expect.any(Array),
      });
    }
  });

  it('declares every tag, and names the operations of events by words alone', () => {
    const declared = (document as unknown as { tags: { name: string }[] }).tags;
    const events = Object.values(webhooks).map(({ post }) => post!);
    const all = [...operations.map(({ operation }) => operation), ...events];
    const used = new Set(all.flatMap(({ tags }) => tags!));
    expect(new Set(declared.map(({ name }) => name))).toEqual(used);
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length);
    for (const { operationId } of all) expect(operationId).toMatch(/^[a-z][A-Za-z]+$/);
  });

  it('describes every property and parameter, and bounds every integer', () => {
    const lacking: string[] = [];
    const walk = (node: unknown, at: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const schema = node as Record<string, unknown>;
      const isBounded =
        typeof schema.minimum === 'number' && /^int(32|64)$/.test(String(schema.format));
      if (schema.type === 'integer' && !isBounded) lacking.push(`${at} has no bounds`);
      const isParameter = typeof schema.in === 'string' && typeof schema.name === 'string';
      if (isParameter && !schema.description) lacking.push(`${at} ${String(schema.name)}`);
      for (const [name, property] of Object.entries(
        (schema.properties ?? {}) as Record<string, Record<string, unknown>>,
      )) {
        if (!property.description && !property.$ref) lacking.push(`${at}.${name}`);
      }
      for (const [key, inner] of Object.entries(schema)) {
        if (!['example', 'examples', 'default'].includes(key)) walk(inner, `${at}/${key}`);
      }
    };
    walk({ paths, webhooks, components }, '');
    expect(lacking).toEqual([]);
  });

  it('has one schema of refusals, and an example of each code that a route has', () => {
    for (const [name, { content }] of Object.entries(components.responses)) {
      const { schema, examples } = content!['application/json']!;
      expect([name, schema]).toEqual([name, { $ref: '#/components/schemas/Error' }]);
      expect(Object.keys(examples!)).toEqual(name.split('_or_'));
    }
  });

  it('has a key on every route but those of the service, and the sign-in', () => {
    const open = operations.filter(({ operation }) => operation.security?.length === 0);
    const tags = new Set(open.map(({ operation }) => operation.tags![0]));
    expect(tags).toEqual(new Set(['Service', 'Sessions']));
    const byToken = operations.filter(({ operation }) =>
      operation.security?.some((scheme) => scheme.token),
    );
    expect(byToken.map(({ path }) => path)).toEqual(
      operations.map(({ path }) => path).filter((path) => path.startsWith('/api/webhooks')),
    );
  });

  it('has examples of every body, each valid by its schema', () => {
    let count = 0;
    for (const [at, { example, examples }] of jsonBodies()) {
      const given = examples ? Object.values(examples).map(({ value }) => value) : [example];
      if (at[1] === '/openapi.json') continue; // it is its own example
      const validate = validatorAt([...at, 'schema']);
      for (const value of given) {
        expect({ at, value }).toEqual({ at, value: expect.anything() });
        expect({ at, valid: validate(value), errors: validate.errors }).toMatchObject({
          valid: true,
        });
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(120);
  });

  it.each([
    ['post', '/v1/projects', 'name', { name: ' ', profile: 'custom' }],
    ['post', '/v1/projects', 'plan', { name: 'A', plan: '\ufeff' }],
    ['post', '/v1/projects/{projectId}/keys', 'name', { name: '\u00a0', role: 'reader' }],
    ['post', '/v1/webhooks', 'name', { name: '  ', url: 'https://example.com/', events: ['*'] }],
    ['put', '/v1/event-types/{type}', 'description', { description: ' ', schema: {}, sample: {} }],
    ['get', '/v1/search', 'q', { q: ' ' }],
  ])('refuses what is blank as the API does: %s %s, %s', async (method, path, field, value) => {
    const { id, client } = await stack.project({ profile: 'custom' });
    const parameters = paths[path]![method] as unknown as { parameters?: { name: string }[] };
    const at =
      method === 'get'
        ? ['parameters', String(parameters.parameters!.findIndex(({ name }) => name === field))]
        : ['requestBody', 'content', 'application/json'];
    const validate = validatorAt(['paths', path, method, ...at, 'schema']);
    expect(validate(method === 'get' ? ' ' : value)).toBe(false);
    expect(validate.errors).toContainEqual(expect.objectContaining({ keyword: 'pattern' }));

    const url = path.replace('{projectId}', id).replace('{type}', 'order.paid');
    const { status, body } = await (path.startsWith('/v1/projects') ? stack.admin : client).send(
      method.toUpperCase(),
      method === 'get' ? `${url}?q=%20` : url,
      method === 'get' ? undefined : value,
    );
    expect({ status, details: body.error.details }).toEqual({
      status: 422,
      details: [{ field, message: 'must not be empty' }],
    });
  });

  it.each([
    ['/v1/events', {}, { data: {} }, { type: 'order.paid' }],
    ['/v1/events/batch', { events: [{}] }, { events: [{ data: {} }] }],
    ['/dashboard/session', {}, { key: 'a', link: 'b' }],
  ])('requires what the API requires: POST %s', async (path, ...bodies) => {
    const { client } = await stack.project({ profile: 'custom' });
    const at = ['paths', path, 'post', 'requestBody', 'content', 'application/json', 'schema'];
    const validate = validatorAt(at);
    for (const body of bodies) {
      const { status } = await client.post(path, body);
      expect({ body, valid: validate(body), status }).toEqual({ body, valid: false, status: 422 });
    }
  });

  it('has the events of every profile as they arrive', () => {
    expect(webhooks['emailsendx/email.delivered']!.post!.requestBody!.content).toMatchObject({
      'application/json': {
        example: {
          event: 'email.delivered',
          workspaceId: expect.stringMatching(/^proj_/),
          timestamp: expect.any(String),
          data: expect.objectContaining({ campaignName: expect.any(String) }),
        },
      },
    });
    expect(Object.keys(webhooks).filter((name) => name.startsWith('autosend/'))).toHaveLength(13);
  });

  it('is answered without a key, as the server has it', async () => {
    const answer = await fetch(`${stack.url}/openapi.json`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(document);
  });

  it.each([
    ['a status that it has not', 'GET', '/v1/webhooks', 418, {}],
    ['a body that it has not', 'GET', '/v1/webhooks', 200, { success: true, data: {} }],
    ['a field that it has not', 'GET', '/healthz', 200, { success: true, data: {}, extra: 1 }],
    ['a route that it has not', 'GET', '/v1/nothing', 200, { success: true, data: {} }],
    ['a status of refusals that it has not', 'GET', '/v1/stats', 409, { success: false }],
    ['a code that it has not', 'GET', '/v1/stats', 403, { error: { code: 'not_found' } }],
  ])('lets no test answer %s', (_what, method, path, status, body) => {
    const answer = { status, contentType: 'application/json', body };
    expect(() => assertDocumented(method, stack.url + path, answer)).toThrow('OpenAPI document');
  });

  it('is linked from /, as JSON or as a page', async () => {
    const anyone = new ApiClient(stack.url, 'no-key');
    const json = await anyone.get('/');
    expect(json.body.data).toMatchObject({ docs: 'docs', openapi: 'openapi.json' });
    const { docs, openapi, guides, temporalUi } = json.body.data;
    expect(guides).toContain('docs/guide-webhooks.md');
    const page = await anyone.with({ accept: 'text/html,*/*;q=0.8' }).get('/');
    expect(page.headers.get('content-type')).toContain('text/html');
    for (const address of [docs, ...guides, temporalUi]) {
      expect(page.body).toContain(`href="${address}"`);
    }
    for (const address of [docs, openapi, ...guides]) {
      const { status } = await fetch(new URL(address, stack.url));
      expect({ address, status }).toEqual({ address, status: 200 });
    }
  });

  it('cites no guide that /docs does not have', async () => {
    const cited = new Set(JSON.stringify(document).match(/docs\/[\w-]+\.md/g));
    expect(cited.size).toBeGreaterThan(2);
    for (const guide of cited) {
      const answer = await fetch(new URL(guide, `${stack.url}/docs`));
      expect({ guide, status: answer.status }).toEqual({ guide, status: 200 });
      expect(JSON.stringify(document)).toContain(`](${guide})`);
    }
  });

  it('is shown by /docs/ as well, whose page has the same addresses', async () => {
    const answer = await fetch(`${stack.url}/docs/`);
    expect([answer.status, answer.url]).toEqual([200, `${stack.url}/docs`]);
  });

  it('is shown by /docs, which needs nothing from elsewhere', async () => {
    const anyone = new ApiClient(stack.url, 'no-key');
    const page = await anyone.get('/docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const links = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, link]) => link!,
    );
    expect(links).toHaveLength(4);
    for (const link of links) {
      expect(link).not.toMatch(/^(\w+:)?\/\//);
      const asset = await fetch(new URL(link, `${stack.url}/docs`));
      expect({ link, status: asset.status }).toEqual({ link, status: 200 });
    }
  });
});
