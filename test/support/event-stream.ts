import { eventually } from './eventually';

/** One event of a stream. */
export interface StreamEvent {
  event: string;
  id: string | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any
  data: any;
}

/** A client of server-sent events that keeps all it gets. */
export class EventStream {
  readonly events: StreamEvent[] = [];
  /** As a browser would send it when it connects again. */
  lastEventId = '';
  isOver = false;

  private constructor(
    readonly status: number,
    readonly headers: Headers,
    private readonly stop: AbortController,
  ) {}

  static async open(url: string, headers: Record<string, string>): Promise<EventStream> {
    const stop = new AbortController();
    const response = await fetch(`${url}/v1/stream`, { headers, signal: stop.signal });
    const stream = new EventStream(response.status, response.headers, stop);
    if (response.body) void stream.read(response.body).catch(() => {});
    return stream;
  }

  close(): void {
    this.stop.abort();
  }

  /** The first event of that kind from `from` on, and what passes the check. */
  async next(
    event: string,
    is: (found: StreamEvent) => boolean = () => true,
    from = 0,
  ): Promise<StreamEvent> {
    return eventually(`the stream says ${event}`, async () =>
      this.events.slice(from).find((one) => one.event === event && is(one)),
    );
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) this.take(block);
      }
    } finally {
      this.isOver = true;
    }
  }

  private take(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const [name, ...value] = line.split(': ');
      fields.set(name!, value.join(': '));
    }
    const id = fields.get('id');
    if (id !== undefined) this.lastEventId = id;
    const data = fields.get('data');
    if (data !== undefined) {
      this.events.push({ event: fields.get('event')!, id, data: JSON.parse(data) });
    }
  }
}
