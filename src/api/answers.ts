import type { Response } from 'express';
import type { Page } from '../store/paging';

/** `{"success":true,"data":…}` */
export function answer(res: Response, data: unknown, status = 200): void {
  res.status(status).json({ success: true, data });
}

/** A list: `data:{<plural>:[…],nextCursor}` */
export function answerPage<T>(
  res: Response,
  plural: string,
  { items, nextCursor }: Page<T>,
  view: (item: T) => unknown,
): void {
  answer(res, { [plural]: items.map((item) => view(item)), nextCursor });
}
