import type { Config } from '../config/config';

/** Options for both the client's and the worker's connection. */
export const connectionOptions = ({ temporal: { address, tls, apiKey } }: Config) => ({
  address,
  ...(tls && { tls }),
  ...(apiKey !== undefined && { apiKey }),
});
