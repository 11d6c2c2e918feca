import type { SecretFormat } from '../../contracts/delivery';

/** What one attempt's signature is computed from. */
export interface SignatureInput {
  /** The live secrets, newest first: more than one only during a rotation's overlap. Never empty. */
  secrets: readonly string[];
  secretFormat: SecretFormat;
  eventId: string;
  deliveryId: string;
  eventType: string;
  /** Exactly the bytes that are sent. */
  body: Buffer | string;
  /** When the attempt starts. */
  now: Date;
}

/** The headers with which one scheme signs an attempt. */
export type Scheme = (input: SignatureInput) => Record<string, string>;
