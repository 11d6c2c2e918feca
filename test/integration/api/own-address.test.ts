import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { useStack } from '../../support/use';

const stack = useStack({}, { worker: false });

/** HTTP/1.0, in which a request needs no Host. */
async function posted(path: string, key: string, body: string): Promise<string> {
  const socket = connect(Number(new URL(stack.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const head = [
    `POST ${path} HTTP/1.0`,
    `Authorization: Bearer ${key}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  return text(socket);
}

it('no link is made where its address is not known', async () => {
  const { client } = await stack.project();
  for (const answer of [
    await posted('/v1/sign-in-links', stack.admin.key, ''),
    await posted('/v1/portal-links', client.key, '{"capabilities":"read"}'),
  ]) {
    expect(answer).toMatch(/^HTTP\/1\.[01] 400 /);
    expect(answer).toContain('send the header Host, or set POSTHORN_PUBLIC_URL');
  }
  expect(await stack.store.signInLinks.model.countDocuments()).toBe(0);
});
