import { createServer, type RequestListener, type Server } from 'node:http';

/** Milliseconds; how long a client may take, so that slow ones don't hold their connections for ever. */
interface Patience {
  /** From connecting, or the answer before, to the end of the headers. */
  headersMs: number;
  /** To the end of the body. */
  requestMs: number;
  /** Node looks at the two above that often. */
  checkEveryMs: number;
}

const PATIENCE: Patience = { headersMs: 10_000, requestMs: 30_000, checkEveryMs: 1_000 };
/** All headers together; more is answered 431. */
const MAX_HEADER_BYTES = 16 * 1024;

/** The HTTP server of the API, with what guards it below Express. */
export function createApiServer(app: RequestListener, patience = PATIENCE): Server {
  return createServer(
    {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: patience.checkEveryMs,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    app,
  );
}
