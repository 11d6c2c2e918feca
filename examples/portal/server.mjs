/**
 * An application that embeds the portal: `node examples/portal/server.mjs` beside a running `npm start`.
 * README.md tells what each part is for.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const FILES = { '/': ['page.html', 'text/html'], '/page.js': ['page.js', 'text/javascript'] };
const LINK_SECONDS = 600;

/** What `npm start` wrote, or what the environment says. */
async function settings() {
  const { POSTHORN_URL, POSTHORN_ADMIN_KEY, POSTHORN_PROJECT, POSTHORN_DATA_DIR } = process.env;
  if (POSTHORN_URL) {
    return { apiUrl: POSTHORN_URL, adminKey: POSTHORN_ADMIN_KEY, projectId: POSTHORN_PROJECT };
  }
  const folder = POSTHORN_DATA_DIR ?? fileURLToPath(new URL('../../.data', import.meta.url));
  return JSON.parse(await readFile(`${folder}/dev.json`, 'utf8'));
}

/**
 * @param posthorn `{apiUrl, adminKey, projectId}`: of one customer
 * @returns the server, listening on loopback
 */
export async function startExample(posthorn, port = 0) {
  const server = createServer((req, res) => {
    handle(req, res, posthorn).catch((error) => {
      res.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' }).end(String(error));
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  // Once, when a customer is set up: who may embed its portal.
  await call(posthorn, 'PATCH', `/v1/projects/${posthorn.projectId}`, { portalOrigins: [origin] });
  return { server, origin };
}

async function handle(req, res, posthorn) {
  const { pathname, searchParams } = new URL(req.url, 'http://localhost');
  if (req.method === 'POST' && pathname === '/portal-link') {
    // Here an application checks who is signed in, and decides for which project and with what rights.
    const capabilities = searchParams.get('capabilities') === 'read' ? 'read' : 'manage';
    const wanted = { capabilities, expiresIn: LINK_SECONDS };
    const { url, token } = await call(posthorn, 'POST', '/v1/portal-links', wanted);
    res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    res.end(JSON.stringify({ url, token }));
    return;
  }
  const [file, type] = FILES[pathname] ?? [];
  if (!file) {
    res.writeHead(404).end();
    return;
  }
  res.writeHead(200, { 'content-type': `${type}; charset=utf-8` });
  res.end(await readFile(new URL(file, import.meta.url)));
}

async function call({ apiUrl, adminKey, projectId }, method, path, body) {
  const response = await fetch(apiUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${adminKey}`,
      'x-project-id': projectId,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!answer.success) throw new Error(`${method} ${path}: ${answer.error.message}`);
  return answer.data;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { origin } = await startExample(await settings(), Number(process.env.PORT ?? 0));
  console.log(`An application with the portal in it: ${origin}/`);
}
