import { makeWebhook } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-port';
import { RoleProcess } from '../support/processes';
import { emailSent } from '../support/samples';
import { ApiClient } from '../support/api-client';
import { ADMIN_KEY, setUpMongodb, testEnvironment } from '../support/stack';

describe('a process of the role all that starts while Temporal is away', () => {
  it('accepts events, waits for Temporal, and ends when it is told to', async () => {
    const port = await freePort();
    const temporal = `127.0.0.1:${await freePort()}`;
    const environment = testEnvironment({ PORT: String(port), TEMPORAL_ADDRESS: temporal });
    await setUpMongodb(environment);
    const all = RoleProcess.start('all', environment);
    await all.logged(
      `Temporal can't be reached at ${temporal}: nothing listens there (ECONNREFUSED)`,
    );
    const url = `http://127.0.0.1:${port}`;
    const admin = new ApiClient(url, ADMIN_KEY);
    const project = await eventually('a project is made', async () => {
      const { status, body } = await admin.post('/v1/projects', { name: 'Test' });
      return status === 201 && (body.data.id as string);
    });
    const client = admin.with({ 'x-project-id': project });
    await makeWebhook(client, 'http://127.0.0.1:9/');
    const posted = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    expect(posted.status).toBe(202);
    expect(await all.end('SIGTERM')).toBe(0);
  });
});
