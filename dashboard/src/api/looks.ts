interface Answer {
  status: number;
  code: string;
}

/** Each look would cost MongoDB as much again. */
export const isTooSlow = ({ code }: Pick<Answer, 'code'>): boolean => code === 'too_slow';

/** How often something is asked for that is answered so; Infinity: until it is answered otherwise. */
export function looksAt({ status, code }: Answer): number {
  if (isTooSlow({ code })) return 1;
  // An outage, also behind a proxy that has statuses of its own for it, or too many requests: nothing against the request.
  if (status === 0 || status === 429 || status > 501) return Number.POSITIVE_INFINITY;
  return status >= 500 ? 3 : 1;
}
