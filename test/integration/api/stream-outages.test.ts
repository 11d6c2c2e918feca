import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Response } from 'express';
import pino from 'pino';
import { LiveDeliveries } from '../../../src/api/stream/live-deliveries';
import { StreamReader } from '../../../src/api/stream/reader';
import { newId } from '../../../src/contracts/ids';
import { Cipher } from '../../../src/store/cipher';
import { ChangesFrom } from '../../../src/store/delivery-changes';
import { EventStream } from '../../support/event-stream';
import { eventually } from '../../support/eventually';
import { useStack } from '../../support/use';

const stack = useStack();

describe('the stream, while MongoDB does not answer', () => {
  it('says again that lists have to be loaded, however long the next attempt to follow takes', async () => {
    const { client } = await stack.project();
    let fail!: (error: Error) => void;
    const hangs = new Promise<string | null>((_, reject) => (fail = reject));
    const next = jest
      .spyOn(ChangesFrom.prototype, 'next')
      .mockRejectedValueOnce(new Error('connection closed'))
      .mockReturnValue(hangs);
    const stream = await EventStream.open(stack.url, { authorization: `Bearer ${client.key}` });
    try {
      await eventually('it tries again', () => next.mock.calls.length === 2);
      const before = stream.events.length;
      await eventually('it has said so twice more', () => stream.events.length >= before + 2);
      expect(new Set(stream.events.map(({ event, data }) => `${event} ${data.reason}`))).toEqual(
        new Set(['reload polling']),
      );
    } finally {
      stream.close();
      next.mockRestore();
      fail(new Error('connection closed'));
    }
  });

  it('sends something to each reader, however long the check of another one’s rights takes', async () => {
    const cipher = new Cipher(randomBytes(32));
    const live = new LiveDeliveries(stack.store, cipher, pino({ level: 'silent' }));
    let answer!: (isAllowed: boolean) => void;
    const unanswered = new Promise<boolean>((resolve) => (answer = resolve));
    const server = createServer((_req, res) => {
      const id = newId('project');
      const reader = new StreamReader(res as Response, newId('key'), id, id, () => unanswered);
      res.flushHeaders();
      live.add(reader, undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    /** What a reader is sent, block by block. */
    const read = async (): Promise<() => string[]> => {
      const { body } = await fetch(url);
      let said = '';
      void (async () => {
        for await (const bytes of body!) said += Buffer.from(bytes).toString();
      })();
      return () => said.split('\n\n');
    };
    try {
      const readers = await Promise.all([read(), read()]);
      const isBeat = (block: string): boolean => /^(id: \S+|:)$/.test(block);
      await eventually('both are sent something twice', () =>
        readers.every((said) => said().filter(isBeat).length >= 2),
      );
      answer(false);
      await eventually('both are ended', () =>
        readers.every((said) => said().includes('event: end\ndata: {"reason":"unauthorized"}')),
      );
    } finally {
      answer(false);
      live.stop();
      server.close();
    }
  });
});
