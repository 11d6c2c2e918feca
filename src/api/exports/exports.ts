import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { clock } from '../../clock';
import { PAGE_BYTES, type Page, type PageRequest } from '../../store/paging';
import { serialise } from '../http/answers';
import { placeOf, principalOf, type Identify } from '../http/auth';
import { shownError } from '../http/error-handler';
import { rateLimited } from '../http/errors';
import { Places } from '../http/turns';
import { holdAnswer } from '../http/under-way';
import { queryNumber } from '../http/validation';
import { csvRow, headerRow, rowOf, type Column } from './csv';

const EXPORT_FORMATS = ['ndjson', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export const EXPORT_TYPES: Record<ExportFormat, string> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
};

/** What an export's query has instead of a page's size. */
export const exportFields = {
  limit: queryNumber(2 ** 31 - 1)
    .optional()
    .describe('The maximum number of items; default: all.'),
  format: z.enum(EXPORT_FORMATS).default('ndjson').describe('The form of the answer.'),
};

/** The trailer that only a complete export has: the number of its items. */
const COUNT_TRAILER = 'X-Export-Count';

/** Exports of a project that may be in progress: each reads page after page for as long as it lasts. */
const AT_A_TIME = 2;
const RETRY_MS = 5000;
/** Items that are read at a time, as far as they fit in PAGE_BYTES. */
const PAGE_ITEMS = 500;
/** What an export holds: a page, one that is read ahead, and one that is being sent. */
const HELD_BYTES = 3 * PAGE_BYTES;

export interface ExportRequest<T> {
  /** For the file's name. */
  plural: string;
  format: ExportFormat;
  columns: readonly Column[];
  page: Omit<PageRequest, 'limit'> & { limit?: number | undefined };
  list: (page: PageRequest) => Promise<Page<T>>;
  view: (item: T) => unknown;
}

/**
 * Sends lists whole. They are read page by page, as fast as the client takes them: nothing is kept open in
 * MongoDB meanwhile, and a client that stops reading is cut off as with any answer.
 */
export class Exports {
  private readonly places = new Places(AT_A_TIME);

  constructor(private readonly log: Logger) {}

  /** @throws ApiError as a list would, until something is sent; 429 if too many are in progress */
  async send<T>(req: Request, res: Response, asked: ExportRequest<T>): Promise<void> {
    const end = this.places.take(placeOf(principalOf(res)));
    if (!end) {
      const message = `${AT_A_TIME} exports of this project are in progress, the maximum; wait for one to end`;
      throw rateLimited(RETRY_MS, message);
    }
    try {
      holdAnswer(req, res, HELD_BYTES);
      await this.stream(req, res, asked);
    } finally {
      end();
    }
  }

  private async stream<T>(req: Request, res: Response, asked: ExportRequest<T>): Promise<void> {
    const { plural, format, columns } = asked;
    const isCsv = format === 'csv';
    const lineOf = (item: unknown): string => (isCsv ? rowOf(columns, item) : jsonLine(item));
    const pages = pagesOf(asked);
    // Before the answer begins, so that a failure is answered as one.
    const first = req.method === 'HEAD' ? null : await pages.next();

    const time = clock.now().toISOString().replace(/\.\d+/, '').replaceAll(':', '');
    res
      .status(200)
      .attachment(`posthorn-${plural}-${time}.${format}`)
      .type(`${EXPORT_TYPES[format]}; charset=utf-8`);
    if (!first) {
      res.end();
      return;
    }
    // HTTP/1.0 has no trailers, and Node refuses to announce one.
    if (res.useChunkedEncodingByDefault) res.set('Trailer', COUNT_TRAILER);
    let count = 0;
    let failure: unknown;
    const textOf = (items: readonly T[]): string => {
      count += items.length;
      return items.map((item) => lineOf(asked.view(item))).join('');
    };
    const text = async function* (): AsyncGenerator<string> {
      try {
        yield (isCsv ? headerRow(columns) : '') + textOf(first.value ?? []);
        for await (const items of pages) {
          // Its key may have been revoked meanwhile, or its link may have ended.
          await (res.locals.identify as Identify)();
          yield textOf(items);
        }
      } catch (error) {
        failure = error;
      }
    };
    try {
      await pipeline(Readable.from(text()), res, { end: false });
    } catch {
      // The client has gone, or was cut off.
      return;
    }
    if (failure === undefined) {
      res.addTrailers({ [COUNT_TRAILER]: String(count) });
      res.end();
      return;
    }
    const { code, message } = shownError(failure, res, this.log);
    const requestId = req.id as string;
    const last = isCsv
      ? csvRow(['#error', code, message, requestId])
      : jsonLine({ error: { code, message, requestId } });
    await new Promise<unknown>((resolve) => res.write(last, resolve));
    // Without the end of the body, which would make it look complete. To HTTP/1.0 that is any end but a reset.
    if (res.useChunkedEncodingByDefault) res.socket?.destroySoon();
    else res.socket?.resetAndDestroy();
  }
}

async function* pagesOf<T>({ list, page }: ExportRequest<T>): AsyncGenerator<T[]> {
  let left = page.limit ?? Infinity;
  let cursor = page.cursor;
  do {
    const { items, nextCursor } = await list({
      ...page,
      cursor,
      limit: Math.min(left, PAGE_ITEMS),
    });
    yield items;
    left -= items.length;
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined && left > 0);
}

/** A caller's own JSON may have line breaks, but only between its tokens. */
const jsonLine = (item: unknown): string => `${serialise(item).replaceAll(/[\r\n]+/g, ' ')}\n`;
