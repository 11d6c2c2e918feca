import type { z } from 'zod';

/** A provider's request as it came in; signatures are over just these bytes. */
export interface ProviderRequest {
  rawBody: Buffer;
  /** A header's value by its lower-case name. */
  header: (name: string) => string | undefined;
}

/** One thing that a provider reports about one e-mail. */
export interface ProviderReport {
  /** The provider's own id of the report, the same whenever it is sent again; null where it has none. */
  id: string | null;
  /** What happened in the provider's words. */
  type: string;
  /** The same in ours: `opened`, `clicked`, `bounced`, `unsubscribed`, …; what profiles map to events. */
  happened: string;
  /** The provider's id of the e-mail; null where the report names none. */
  emailId: string | null;
  recipient: string | null;
  /** When it happened, ISO 8601 in UTC with milliseconds; null where the report doesn't say. */
  timestamp: string | null;
  /** This report as JSON text: as it came in, or written anew where it came in a batch. */
  payload: string;
}

/** One of a batch that isn't of the provider's form; the others are taken. */
export interface UnreadableReport {
  unreadable: z.ZodError;
  payload: string;
}

/** An e-mail provider whose webhooks Posthorn understands. Pure: no I/O, and time is an argument. */
export interface Provider {
  name: string;
  /** What is wrong with a key that a project brings to verify signatures with; null when it can be used. */
  checkKey: (key: string) => string | null;
  /**
   * Why a request is not genuine; null when it is. The comparisons take the same time whatever is
   * wrong, and the reason says nothing about the key.
   */
  refusal: (request: ProviderRequest, body: unknown, key: string, now: Date) => string | null;
  /** The reports in a body; the problems of a body that as a whole isn't of the provider's form. */
  read: (
    request: ProviderRequest,
    body: unknown,
  ) => { reports: (ProviderReport | UnreadableReport)[] } | { error: z.ZodError };
}
