import { MAX_DEPTH } from '../../domain/json-text';
import { providers, type ProviderName, type ProviderReport } from '../../providers';
import { refusable, type Refusal } from '../events/body-checks';
import { decodeUtf8 } from '../http/encoding';
import { ApiError, invalid, malformedJson, refused } from '../http/errors';
import { isDeeperThan, problemsOf } from '../http/validation';

export interface ReportsInput {
  provider: ProviderName;
  bytes: Uint8Array;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The key that verifies its signature; null: not verified. */
  key: string | null;
  receivedAt: Date;
}

/** One that isn't in the provider's format, and why. */
export interface UnreadReport {
  unreadable: string;
  payload: string;
}

/** The reports in a provider's own body; a pure function, like those of body-checks.ts. */
export function readReports(input: ReportsInput): (ProviderReport | UnreadReport)[] | Refusal {
  const { provider: name, bytes, headers, key, receivedAt } = input;
  return refusable(() => {
    const provider = providers[name];
    const rawBody = Buffer.from(bytes);
    const body = parseJson(decodeUtf8(rawBody));
    // More than `readBody` accepts, since the provider decides its form.
    if (isDeeperThan(MAX_DEPTH, body)) {
      throw invalid([
        { field: 'body', message: `must not be nested deeper than ${MAX_DEPTH} levels` },
      ]);
    }
    const header = (wanted: string): string | undefined => {
      const value = headers[wanted];
      return typeof value === 'string' ? value : undefined;
    };
    const request = { rawBody, header };
    const refusal = key === null ? null : provider.refusal(request, body, key, receivedAt);
    if (refusal !== null) throw new ApiError('unauthorized', `${name}: ${refusal}`);
    const read = provider.read(request, body);
    if ('error' in read) throw refused(problemsOf(read.error));
    return read.reports.map((report) =>
      'unreadable' in report
        ? { ...report, unreadable: refused(problemsOf(report.unreadable)).message }
        : report,
    );
  });
}

/** An escape in JSON; the group: a lone surrogate. */
const ESCAPE =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)/gs;

/** Lone surrogates become U+FFFD: a truncated subject must not invalidate its report. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(
      text.replaceAll(ESCAPE, (escape, half?: string) => (half ? '\\ufffd' : escape)),
    );
  } catch {
    throw malformedJson(text);
  }
}
