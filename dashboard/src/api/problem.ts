import type { UseInfiniteQueryResult, UseQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import { texts } from '../texts';
import { isTooSlow, looksAt } from './looks';

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

/** What another look a moment later may cure. */
export const isPassing = (error: unknown): boolean =>
  error instanceof Problem && (error.status === 0 || error.status === 429 || error.status >= 500);

/** Whoever asks is not signed in, or not any more. */
export const isUnauthorized = (error: unknown): boolean =>
  error instanceof Problem && error.status === 401;

/** What is asked for again until it is there. */
export const isAskedAgain = (error: unknown): boolean =>
  error instanceof Problem && looksAt(error) === Number.POSITIVE_INFINITY;

/** Nothing has this id: not here, or not any more. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Problem && error.code === 'not_found';

/** What is asked for again only when somebody wants it. */
export const isLeftAlone = (error: unknown): boolean =>
  error instanceof Problem && (isTooSlow(error) || isMissing(error));

/** Why something isn't there, also while it is asked for again; a single failure is no reason to say so. */
export const troubleOf = ({
  error,
  failureCount,
  failureReason,
}: {
  error: Error | null;
  failureCount: number;
  failureReason: Error | null;
}): Error | null =>
  error ?? (failureCount > 1 && isAskedAgain(failureReason) ? failureReason : null);

/**
 * The same for what shows it, where a refusal stays while it is asked for again: the button that did so would go
 * with it, and the focus with the button.
 */
export function useTroubleOf(query: UseQueryResult | UseInfiniteQueryResult): Error | null {
  const { error, errorUpdatedAt } = query;
  const [last, setLast] = useState({ error, errorUpdatedAt });
  if (error !== null && error !== last.error) setLast({ error, errorUpdatedAt });
  const isAsked = query.isLoading || query.isPlaceholderData;
  // Its time tells it from that of other filters, or of another object. Whoever has signed in again is not refused.
  const isKept = errorUpdatedAt === last.errorUpdatedAt && !isUnauthorized(last.error);
  return troubleOf(query) ?? (isAsked && isKept ? last.error : null);
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
export const fieldError = (error: unknown, field: string): string | undefined =>
  fieldErrors(error, [field]).get(field);

/**
 * The message for each of these fields. Names of event types have dots, so that a field may begin like another:
 * the longest that fits is meant.
 */
export function fieldErrors(error: unknown, fields: readonly string[]): Map<string, string> {
  const longestFirst = [...fields].sort((a, b) => b.length - a.length);
  const found = new Map<string, string>();
  for (const detail of error instanceof Problem ? error.details : []) {
    const field = longestFirst.find(
      (one) => detail.field === one || detail.field.startsWith(`${one}.`),
    );
    if (field === undefined) continue;
    const message = detail.field === field ? sentence(detail.message) : fieldLine(detail);
    found.set(field, [found.get(field), message].filter(Boolean).join(' '));
  }
  return found;
}

const fieldLine = ({ field, message }: { field: string; message: string }): string =>
  `${field} ${message.replace(/[^.?!]$/, '$&.')}`;

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
