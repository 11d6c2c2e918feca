import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Page } from '../../store/paging';
import { holdAnswer } from './under-way';

/** `{"success":true,"data":…}` */
export function answer(res: Response, data: unknown, status = 200): void {
  res.status(status).json({ success: true, data });
}

class Verbatim {
  constructor(readonly text: string) {}
}

/** JSON that is sent as it was written; typed as the value that it represents. */
export function verbatim(text: string): Record<string, unknown> {
  return new Verbatim(text) as object as Record<string, unknown>;
}

/** Lets `res.json` send verbatim JSON, and counts the bytes. */
export const countedAnswers: RequestHandler = (req, res, next) => {
  res.json = (body) => {
    const bytes = Buffer.from(serialise(body));
    holdAnswer(req, res, bytes.length);
    return res.type('json').send(bytes);
  };
  next();
};

/** JSON.stringify, except for verbatim JSON; Node 20 has no JSON.rawJSON. */
export function serialise(answered: unknown): string {
  const texts: string[] = [];
  const mark = randomUUID();
  const json = JSON.stringify(answered, (_name, value: unknown) =>
    value instanceof Verbatim ? `${mark} ${texts.push(value.text) - 1}` : value,
  );
  if (texts.length === 0) return json;
  return json.replaceAll(
    new RegExp(`"${mark} (\\d+)"`, 'g'),
    (_all, n: string) => texts[Number(n)]!,
  );
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
