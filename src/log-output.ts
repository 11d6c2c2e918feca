import { writeSync } from 'node:fs';
import { logLinesDropped } from './metrics';

/** Bytes buffered for a reader that has stopped reading; lines beyond them are dropped. */
const MAX_QUEUED_BYTES = 1024 * 1024;
/** Milliseconds between tries while it does not read. */
const RETRY_MS = 50;
const NEWLINE = Buffer.from('\n');

/** The reader of a pipe is behind: not an error yet. */
const isFull = (error: unknown): boolean =>
  ['EAGAIN', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '');

/**
 * The log's output. A full disk, a closed pipe, or a reader that has stopped reading blocks nothing and
 * throws nothing: lines that can't be written are dropped and counted.
 */
export class LogOutput {
  /** Called with the number of dropped lines once lines can be written again. */
  onRecovered: (dropped: number) => void = () => {};
  private readonly queue: Buffer[] = [];
  private queuedBytes = 0;
  private dropped = 0;
  /** The first line of the queue has been written in part. */
  private isPartial = false;
  /** A partly written line was dropped: the next one must start on a new line. */
  private isCutOff = false;
  private retry: NodeJS.Timeout | undefined;

  /** @param fd of a file, or of a pipe that does not block (see `neverBlock`) */
  constructor(private readonly fd: number) {}

  /** @param line with its line feed */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.queuedBytes + bytes.length > MAX_QUEUED_BYTES) {
      this.drop();
      return;
    }
    this.queue.push(bytes);
    this.queuedBytes += bytes.length;
    if (this.retry === undefined) this.flush();
  }

  /** Writes as much of the queue as possible now. */
  flush(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    let wasTaken = false;
    for (let first = this.queue[0]; first; first = this.queue[0]) {
      const line = this.isCutOff ? Buffer.concat([NEWLINE, first]) : first;
      let rest: Buffer;
      try {
        rest = line.subarray(writeSync(this.fd, line));
      } catch (error) {
        if (isFull(error)) {
          this.retry = setTimeout(() => this.flush(), RETRY_MS).unref();
          return;
        }
        this.isCutOff ||= this.isPartial;
        this.advance();
        this.drop();
        wasTaken = false;
        continue;
      }
      this.isCutOff = false;
      this.advance(rest);
      wasTaken = true;
    }
    const { dropped } = this;
    if (!wasTaken || dropped === 0) return;
    this.dropped = 0;
    this.onRecovered(dropped);
  }

  /** @param rest of the first line, still to be written */
  private advance(rest?: Buffer): void {
    this.queuedBytes += (rest?.length ?? 0) - this.queue[0]!.length;
    this.isPartial = rest !== undefined && rest.length > 0;
    if (this.isPartial) this.queue[0] = rest!;
    else this.queue.shift();
  }

  private drop(): void {
    this.dropped += 1;
    logLinesDropped.inc();
  }
}

/**
 * Makes writes to standard output and standard error fail with EAGAIN, if they are pipes, rather than wait
 * for the reader: Node opens them so on first access.
 */
export function neverBlock(): void {
  void process.stdout;
  void process.stderr;
}
