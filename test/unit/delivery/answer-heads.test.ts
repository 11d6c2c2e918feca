import * as fc from 'fast-check';
import { AnswerHeads } from '../../../src/delivery/answer-heads';

function read(bytes: Buffer, cuts: number[]): string {
  const heads = new AnswerHeads();
  heads.begin();
  const ends = [...cuts.map((cut) => cut % bytes.length), bytes.length].toSorted((a, b) => a - b);
  const parts = ends.map((end, n) => heads.read(bytes.subarray(ends[n - 1] ?? 0, end)));
  return Buffer.concat([...parts, heads.end()]).toString('latin1');
}

const ANSWER = Buffer.from(
  '\r\nHTTP/1.1 103 Early\nLink: a,\r\n\tb\n\nHTTP/1.1 200\r\nX-A:\t\xe0\t\r\nContent-Length: 6\r\n\r\n\n\nbody',
  'latin1',
);

describe('the heads of an answer', () => {
  it('come out in one form, and what follows as it is', () => {
    expect(read(ANSWER, [])).toBe(
      'HTTP/1.1 103 \r\nLink: a, b\r\n\r\nHTTP/1.1 200 \r\nX-A: \xe0\r\nContent-Length: 6\r\n\r\n\n\nbody',
    );
  });

  it('come out the same however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        expect(read(ANSWER, cuts)).toBe(read(ANSWER, []));
      }),
    );
  });

  it('that are none come out as they went in, at once', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.array(fc.nat()), (bytes, cuts) => {
        fc.pre(!['H', '\r', '\n'].includes(String.fromCharCode(bytes[0]!)));
        expect(read(Buffer.from(bytes), cuts)).toBe(Buffer.from(bytes).toString('latin1'));
      }),
    );
  });

  it('are too long in more pieces than any honest answer has', () => {
    const heads = new AnswerHeads();
    heads.begin();
    const piece = Buffer.from('\n');
    for (let n = 0; n < 32 * 1024; n += 1) heads.read(piece);
    expect(heads.isTooLong).toBe(false);
    heads.read(piece);
    expect(heads.isTooLong).toBe(true);
  });

  it('of more than 64 KiB are given to the parser, which refuses them', () => {
    const heads = new AnswerHeads();
    heads.begin();
    expect(heads.read(Buffer.from('HTTP/1.1 200 OK\r\nX: ')).length).toBe(0);
    expect(heads.read(Buffer.alloc(64 * 1024, 'y')).length).toBeGreaterThan(64 * 1024);
  });

  it('may come byte by byte without costing more than their bytes', () => {
    const heads = new AnswerHeads();
    heads.begin();
    const before = process.cpuUsage();
    heads.read(Buffer.from('HTTP/1.1 200 OK\r\n'));
    for (let n = 0; n < 60_000; n += 1) heads.read(Buffer.from(['a', ':', '\n'][n % 3]!));
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });
});
