import { writeSync } from 'node:fs';
import { logLinesDropped } from './metrics';

/** Bytes buffered for a reader that has stopped reading; lines beyond them are dropped. */
const MAX_QUEUED_BYTES = 1024 * 1024;
/** Milliseconds between tries while it does not read. */
const RETRY_MS = 50;
/** Lines written by one call. */
const LINES_AT_ONCE = 100;
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
  private isDue = false;

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
    if (this.isDue || this.retry !== undefined) return;
    // The lines of one turn of the event loop are written together.
    this.isDue = true;
    setImmediate(() => {
      this.isDue = false;
      if (this.retry === undefined) this.flush();
    });
  }

  /** Writes as much of the queue as possible now. */
  flush(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    let wasTaken = false;
    while (this.queue.length > 0) {
      const before = this.isCutOff ? [NEWLINE] : [];
      const lines = this.queue.slice(0, LINES_AT_ONCE);
      let written: number;
      try {
        written = writeSync(this.fd, Buffer.concat([...before, ...lines])) - before.length;
      } catch (error) {
        if (isFull(error)) {
          this.retry = setTimeout(() => this.flush(), RETRY_MS).unref();
          return;
        }
        this.isCutOff ||= this.isPartial;
        this.removeFirst();
        this.drop();
        wasTaken = false;
        continue;
      }
      this.isCutOff = false;
      this.remove(written);
      wasTaken = true;
    }
    const { dropped } = this;
    if (!wasTaken || dropped === 0) return;
    this.dropped = 0;
    this.onRecovered(dropped);
  }

  /** The first bytes of the queue are written. */
  private remove(bytes: number): void {
    let left = bytes;
    while (this.queue.length > 0 && this.queue[0]!.length <= left) {
      left -= this.queue[0]!.length;
      this.removeFirst();
    }
    if (left === 0) return;
    this.isPartial = true;
    this.queue[0] = this.queue[0]!.subarray(left);
    this.queuedBytes -= left;
  }

  private removeFirst(): void {
    this.queuedBytes -= this.queue.shift()!.length;
    this.isPartial = false;
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
