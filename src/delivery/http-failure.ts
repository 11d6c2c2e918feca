import type { AttemptErrorCode } from '../contracts/delivery';
import { BlockedAddressError } from './address-guard';

/** Why an exchange came to no answer, in words that may be shown to the webhook's owner. */
export interface HttpFailure {
  errorCode: AttemptErrorCode;
  /** Short and plain. Never a query, a credential, or an address that the URL didn't name. */
  errorMessage: string;
}

/** Codes of Node's sockets and resolver, of undici (`UND_ERR_*`) and of its parser (`HPE_*`). */
const ERROR_CODES: Record<string, AttemptErrorCode> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ENODATA: 'dns',
  ESERVFAIL: 'dns',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ECONNABORTED: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  // The answer broke off: fewer bytes than announced, or the end of the stream within a chunk.
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'connection_reset',
  HPE_INVALID_EOF_STATE: 'connection_reset',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  EPROTO: 'tls',
  UND_ERR_HEADERS_OVERFLOW: 'invalid_response',
};

const CERTIFICATE_PROBLEMS: Record<string, string> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate chain is incomplete or not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate chain is incomplete or not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate chain is incomplete or not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
};

/**
 * The failure that an error of a socket, TLS or undici stands for.
 * @param inTlsConnect whether it came before an https connection was ready to be used: what isn't
 *   known then as a failure of the network is one of TLS (OpenSSL has too many codes to list)
 */
export function httpFailure(
  error: unknown,
  { inTlsConnect }: { inTlsConnect: boolean },
): HttpFailure {
  const cause = error instanceof AggregateError ? tellingError(error) : error;
  if (cause instanceof BlockedAddressError) {
    return { errorCode: 'blocked_address', errorMessage: cause.message };
  }
  const code = codeOf(cause);
  const errorCode = isNotHttp(cause) ? 'invalid_response' : errorCodeOf(code, inTlsConnect);
  return { errorCode, errorMessage: errorMessageOf(errorCode, code) };
}

/** One address of several that were tried: one without a route says less than any other. */
function tellingError(error: AggregateError): unknown {
  const causes: unknown[] = error.errors;
  return causes.find((cause) => errorCodeOf(codeOf(cause), false) !== 'unreachable') ?? causes[0];
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code ?? 'no code';
}

function errorCodeOf(code: string, inTlsConnect: boolean): AttemptErrorCode {
  const known = ERROR_CODES[code];
  if (known !== undefined) return known;
  if (code.startsWith('HPE_')) return 'invalid_response';
  if (inTlsConnect || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return 'tls';
  return 'unknown';
}

/** undici's words for an answer out of turn: 100 or 101 that nobody asked for. They have no code. */
function isNotHttp(error: unknown): boolean {
  return error instanceof Error && (error.message === 'bad response' || error.message === 'bad upgrade');
}

function errorMessageOf(errorCode: AttemptErrorCode, code: string): string {
  switch (errorCode) {
    case 'dns':
      return `the host name could not be resolved (${code})`;
    case 'tls':
      return CERTIFICATE_PROBLEMS[code] ?? `no secure connection could be made (${code})`;
    case 'connection_refused':
      return 'the receiver refused the connection';
    case 'connection_reset':
      return 'the receiver closed the connection before its answer was complete';
    case 'timeout':
      return 'the connection could not be made in time';
    case 'unreachable':
      return `the receiver could not be reached (${code})`;
    case 'invalid_response':
      return code === 'UND_ERR_HEADERS_OVERFLOW'
        ? "the answer's headers are too large"
        : `the answer is not HTTP (${code})`;
    case 'blocked_address':
    case 'unknown':
      return `the request failed (${code})`;
  }
}
