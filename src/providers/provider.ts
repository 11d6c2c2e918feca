import type { z } from 'zod';

/** A provider's request as received; signatures cover exactly these bytes. */
export interface ProviderRequest {
  rawBody: Buffer;
  /** A header's value by its lower-case name. */
  header: (name: string) => string | undefined;
}

/** One thing that a provider reports about one e-mail. */
export interface ProviderReport {
  /** The provider's own id of the report, the same in repetitions; null if it has none. */
  id: string | null;
  /** What is signed instead of the report: for this one alone. */
  token?: string;
  /** What happened, in the provider's terms. */
  type: string;
  /**
   * The same in our terms: `opened`, `clicked`, `bounced`, `unsubscribed`, …; what profiles map to events.
   */
  happened: string;
  /** The provider's id of the e-mail; null if the report names none. */
  emailId: string | null;
  recipient: string | null;
  /** When it happened, ISO 8601 in UTC with milliseconds; null if the report doesn't say. */
  timestamp: string | null;
  /** This report as JSON text: as received, or serialised again if it came in a batch or with its signature. */
  payload: string;
}

/** One of a batch that isn't in the provider's format; the others are accepted. */
export interface UnreadableReport {
  unreadable: z.ZodError;
  payload: string;
}

/** An e-mail provider whose webhooks Posthorn understands. Pure: no I/O, and time is an argument. */
export interface Provider {
  name: string;
  /** What is wrong with a project's key for verifying signatures; null if it can be used. */
  checkKey: (key: string) => string | null;
  /**
   * Why a request is not genuine; null if it is. The comparisons take constant time, and the reason
   * says nothing about the key.
   */
  refusal: (request: ProviderRequest, body: unknown, key: string, now: Date) => string | null;
  /** The reports in a body, or the problems of a body that isn't in the provider's format. */
  read: (
    request: ProviderRequest,
    body: unknown,
  ) => { reports: (ProviderReport | UnreadableReport)[] } | { error: z.ZodError };
}
