import { z } from 'zod';

const MAX_ORIGINS = 20;
/** Nothing that means more than itself in a Content-Security-Policy: no wildcard, list or path. */
const ORIGIN = /^https?:\/\/(\[::1\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:\d+)?$/;
const LOOPBACK = /^(\[::1\]|127(\.\d+){3}|localhost|.+\.localhost)$/;

/** What is wrong with it; null: nothing. */
function problemOf(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !ORIGIN.test(url.origin) || url.origin !== text) {
    const meant = url && ORIGIN.test(url.origin) ? `; did you mean ${url.origin}?` : '';
    return `must be an exact origin, such as https://app.example.com, without path and wildcard${meant}`;
  }
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    return 'must be https; http is only for loopback, such as http://localhost:3000';
  }
  return null;
}

/** The origins of the pages that may embed the project's portal: `frame-ancestors` of its page. */
export const portalOriginsField = z
  .array(
    z
      .string()
      .max(300)
      .check((ctx) => {
        const message = problemOf(ctx.value);
        if (message !== null) ctx.issues.push({ code: 'custom', message, input: ctx.value });
      }),
  )
  .max(MAX_ORIGINS)
  .transform((origins) => [...new Set(origins)])
  .describe('The origins of the pages that may show its portal in a frame; none by default.');
