import type { Config } from '../config/config';

/** Options for both the client's and the worker's connection. */
export function connectionOptions({ temporal }: Config): {
  address: string;
  tls?: boolean;
  apiKey?: string;
} {
  return {
    address: temporal.address,
    ...(temporal.tls && { tls: true }),
    ...(temporal.apiKey !== undefined && { apiKey: temporal.apiKey }),
  };
}
