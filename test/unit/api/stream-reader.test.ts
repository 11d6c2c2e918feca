import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Response } from 'express';
import { StreamReader } from '../../../src/api/stream/reader';

const COUNT = 200;

describe('a reader of the stream', () => {
  it('is told what has changed together in one write, however much that is', async () => {
    const deliveries = Array.from({ length: COUNT }, (_, n) => ({
      id: `dlv_${n}`,
      json: JSON.stringify({ id: `dlv_${n}` }),
    }));
    const server = createServer((_req, res) => {
      const reader = new StreamReader(
        res as Response,
        'key_1',
        'proj_1',
        'proj_1',
        async () => true,
      );
      reader.show(deliveries, 'here');
      reader.end('restart');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const answer = await text(socket);
      // Each write is a chunk, after a line with its length.
      const chunks = answer.split(/\r\n[\da-f]+\r\n/).slice(1);
      const telling = chunks.filter((chunk) => chunk.includes('event: delivery\n'));
      expect(telling).toHaveLength(1);
      const told = [...telling[0]!.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
      expect(told).toEqual(deliveries.map(({ id }) => ({ id })));
      // The last one carries the position.
      expect(telling[0]!.match(/^id: here$/gm)).toHaveLength(1);
      expect(telling[0]).toMatch(/id: here\ndata: \{"id":"dlv_199"\}\n\n/);
    } finally {
      server.close();
    }
  });
});
