import { createSocket, type Socket } from 'node:dgram';

type AddressType = 'A' | 'AAAA';
const TYPES: Record<number, AddressType> = { 1: 'A', 28: 'AAAA' };

/** Addresses by type, or an error's number (RFC 1035, 4.1.1); `silent` never answers. */
export type NameAnswer = { A?: string[]; AAAA?: string[] } | { rcode: number } | 'silent';

/** A real DNS server, on UDP. */
export class NameServer {
  /** Names that were asked for, once for each query. */
  readonly asked: string[] = [];

  private constructor(
    private readonly socket: Socket,
    /** As a resolver's `setServers` takes it. */
    readonly address: string,
  ) {}

  static async start(
    answerTo: (name: string, type: AddressType | undefined) => NameAnswer,
  ): Promise<NameServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const { port } = socket.address();
    const server = new NameServer(socket, `127.0.0.1:${port}`);
    socket.on('message', (query, from) => {
      const { name, type, question } = read(query);
      server.asked.push(name);
      const answer = answerTo(name, TYPES[type]);
      if (answer === 'silent') return;
      socket.send(write(query, question, type, answer), from.port, from.address);
    });
    return server;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(resolve));
  }
}

function read(query: Buffer): { name: string; type: number; question: Buffer } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const question = query.subarray(12, at + 5);
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), question };
}

function write(
  query: Buffer,
  question: Buffer,
  type: number,
  answer: Exclude<NameAnswer, 'silent'>,
): Buffer {
  const addresses = ('rcode' in answer ? undefined : answer[TYPES[type]!]) ?? [];
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  // An answer; recursion asked for, and available.
  header.writeUInt16BE(0x8180 | ('rcode' in answer ? answer.rcode : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) => {
    const data = toBytes(address);
    const record = Buffer.alloc(12);
    // The question's name, its type, class IN, a minute, and so many bytes.
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(60, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, question, ...records]);
}

/** IPv6 in its eight parts. */
function toBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const parts = address.split(':').map((part) => part.padStart(4, '0'));
  return Buffer.from(parts.join(''), 'hex');
}
