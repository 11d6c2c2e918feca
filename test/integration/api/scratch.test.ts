import { Store } from '../../../src/store/store';
import { TcpProxy } from './tcp-proxy';
import { testServer, Stack } from '../../support/stack';
import { emailSent } from '../../support/samples';
import { newId } from '../../../src/contracts/ids';

it('store opened away', async () => {
  const real = new URL(testServer('MONGODB_URL'));
  const proxy = await TcpProxy.start(real.host);
  await proxy.cut();
  const url = new URL(real); url.host = proxy.address; url.pathname = '/scratch';
  const store = Store.open(url.toString());
  const t0 = Date.now();
  for (let i = 0; i < 2; i++) await store.events.get(newId('project'), newId('event')).then((x) => console.log('ok', x), (e) => console.log(Date.now() - t0, e.name, e.message));
  await proxy.restore();
  for (let i = 0; i < 2; i++) await store.events.get(newId('project'), newId('event')).then((x) => console.log('ok', x), (e) => console.log(Date.now() - t0, e.name, e.message));
  await store.close();
  await proxy.stop();
}, 60000);

it('cut later', async () => {
  const real = new URL(testServer('MONGODB_URL'));
  const proxy = await TcpProxy.start(real.host);
  const url = new URL(real); url.host = proxy.address; url.pathname = '/scratch' + Date.now();
  const stack = await Stack.start({ MONGODB_URL: url.toString(), LOG_LEVEL: 'error' }, { worker: false });
  const { client } = await stack.project();
  await proxy.cut();
  for (let i = 0; i < 3; i++) {
    const t0 = Date.now();
    const a = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    console.log(Date.now() - t0, a.status, a.body, a.headers.get('retry-after'));
  }
  const w = await client.post('/v1/webhooks', { name: 'x', url: 'https://example.com/', events: ['*'] });
  console.log(w.status, w.body, (await client.get('/readyz')).body);
  await proxy.restore();
  const t0 = Date.now();
  const a = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
  console.log(Date.now() - t0, a.status, a.body, a.headers.get('retry-after'));
  await stack.stop();
  await proxy.stop();
}, 60000);

it('temporal', async () => {
  const proxy = await TcpProxy.start(testServer('TEMPORAL_ADDRESS'));
  const stack = await Stack.start({ TEMPORAL_ADDRESS: proxy.address }, { worker: false });
  await proxy.cut();
  const { client } = await stack.project();
  for (let i = 0; i < 3; i++) {
    const t0 = Date.now();
    const a = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
    console.log(Date.now() - t0, a.status, a.body, a.headers.get('retry-after'));
  }
  console.log((await client.get('/readyz')).body);
  await proxy.restore();
  console.log((await client.get('/readyz')).body);
  const t0 = Date.now();
  const a = await client.post('/v1/events', { type: 'email.sent', data: emailSent });
  console.log(Date.now() - t0, a.status, a.body, a.headers.get('retry-after'));
  console.log((await client.get('/readyz')).body);
  await stack.stop();
  await proxy.stop();
}, 60000);
