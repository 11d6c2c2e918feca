import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';
import { useServers } from '../support/foreign-server';

const SCRIPT = path.resolve(__dirname, '../../scripts/start/first-project.mjs');
const known = { projectId: 'proj_known', projectKey: 'known' };
const made = { projectId: 'proj_made', projectKey: 'made' };

describe('the owner key of npm start', () => {
  const addressOf = useServers();

  it.each([
    [200, known],
    [500, known],
    [503, known],
    [401, made],
  ])('is another one only if the API does not know it (%i)', async (status, expected) => {
    const address = await addressOf(
      createServer(({ method, headers }, res) => {
        const isKnown = headers.authorization === 'Bearer known';
        const project = { id: made.projectId, name: 'First project', profile: 'autosend' };
        const data =
          method === 'POST' ? { key: made.projectKey } : { projects: [project], webhooks: [] };
        res.statusCode = isKnown ? status : 200;
        res.end(JSON.stringify({ success: true, data }));
      }),
    );
    const given = { apiUrl: `http://${address}`, adminKey: 'admin', known };
    const { stdout } = await promisify(execFile)(process.execPath, [
      '-e',
      `import(${JSON.stringify(SCRIPT)})
        .then(({ ensureFirstProject }) => ensureFirstProject(${JSON.stringify(given)}))
        .then((found) => console.log(JSON.stringify(found)))`,
    ]);
    expect(JSON.parse(stdout)).toEqual(expected);
  });
});
