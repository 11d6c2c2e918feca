import { texts } from '../texts';

/** A refusal of the API, or no answer at all (`code` is then `unreachable`). */
export class Problem extends Error {
  override name = 'Problem';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** What is wrong with which field, by its path. */
    readonly details: readonly { field: string; message: string }[] = [],
    readonly requestId: string | null = null,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
  }
}

/** What happened and what to do, in words for people. */
export function explain(error: unknown): { title: string; advice: string } {
  const { problems } = texts;
  if (!(error instanceof Problem)) return problems.unexpected;
  const byCode: Partial<Record<string, { title: string; advice: string }>> = problems.byCode;
  const known = byCode[error.code];
  if (error.code === 'rate_limited') return problems.rateLimited(error.retryAfterSeconds);
  if (known) return known;
  if (error.status >= 500) return problems.server(error.requestId);
  return { title: sentence(error.message), advice: error.details.map(fieldLine).join(' ') };
}

/** The same beside a field. */
export function explainInLine(error: unknown): string {
  const { title, advice } = explain(error);
  return [title.replace(/\.?$/, '.'), advice].filter(Boolean).join(' ');
}

/** The message for the field of that path, or of one inside it. */
export function fieldError(error: unknown, field: string): string | undefined {
  if (!(error instanceof Problem)) return undefined;
  const found = error.details.filter(
    (detail) => detail.field === field || detail.field.startsWith(`${field}.`),
  );
  if (found.length === 0) return undefined;
  return found
    .map((detail) => (detail.field === field ? sentence(detail.message) : fieldLine(detail)))
    .join(' ');
}

const fieldLine = ({ field, message }: { field: string; message: string }): string =>
  `${field} ${message.replace(/(?<![.?!])$/, '.')}`;

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
