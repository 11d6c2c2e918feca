import type { AttemptErrorCode } from '../contracts/delivery';
import { BlockedAddressError } from './address-guard';
import { DnsError } from './resolver';

/** Why an exchange came to no answer, in words that may be shown to the webhook's owner. */
export interface HttpFailure {
  errorCode: AttemptErrorCode;
  /** Short and plain. Never a query, a credential, or an address that the URL didn't name. */
  errorMessage: string;
}

/** What is told by an error's code: all but the guard's refusal and the resolver's, which have classes. */
type CodedFailure = Exclude<AttemptErrorCode, 'blocked_address' | 'dns'>;

/** Codes of Node's sockets, of undici (`UND_ERR_*`), and those that `codeOf` adds. */
const ERROR_CODES: Record<string, CodedFailure> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ECONNABORTED: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'connection_reset',
  BROKEN_OFF: 'connection_reset',
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
  NOT_HTTP: 'invalid_response',
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

const MESSAGES: Record<CodedFailure, (code: string) => string> = {
  tls: (code) => CERTIFICATE_PROBLEMS[code] ?? `no secure connection could be made (${code})`,
  connection_refused: () => 'the receiver refused the connection',
  connection_reset: () => 'the receiver closed the connection before its answer was complete',
  timeout: () => 'the connection could not be made in time',
  unreachable: (code) => `the receiver could not be reached (${code})`,
  invalid_response: (code) =>
    code === 'UND_ERR_HEADERS_OVERFLOW'
      ? "the answer's headers are too large"
      : 'the answer is not HTTP/1.1',
  unknown: (code) => `the request failed (${code})`,
};

/**
 * The failure that an error of a socket, TLS or undici stands for.
 * @param inTlsConnect whether it came before an https connection was ready to be used: what isn't
 *   known then as a failure of the network is one of TLS (OpenSSL has too many codes to list)
 */
export function httpFailure(
  error: Error,
  { inTlsConnect }: { inTlsConnect: boolean },
): HttpFailure {
  if (error instanceof BlockedAddressError) {
    return { errorCode: 'blocked_address', errorMessage: error.message };
  }
  if (error instanceof DnsError) {
    return {
      errorCode: 'dns',
      errorMessage: `the host name could not be resolved (${error.code})`,
    };
  }
  const code = tellingCode(error);
  const errorCode = errorCodeOf(code, inTlsConnect);
  return { errorCode, errorMessage: MESSAGES[errorCode](code) };
}

/** An error's code; of several addresses' errors, that of one which says more than "no route". */
function tellingCode(error: Error & { errors?: Error[] }): string {
  const codes = (error.errors ?? [error]).map(codeOf);
  return codes.find((code) => ERROR_CODES[code] !== 'unreachable') ?? codes[0] ?? 'no code';
}

/** undici 7 gives its parser's errors no code, and an answer out of turn the code of a reset. */
function codeOf(error: NodeJS.ErrnoException): string {
  if (error.name === 'HTTPParserError') {
    return error.message.includes('Invalid EOF state') ? 'BROKEN_OFF' : 'NOT_HTTP';
  }
  // A 100 or 101 that nobody asked for.
  if (error.message === 'bad response' || error.message === 'bad upgrade') return 'NOT_HTTP';
  return error.code ?? 'no code';
}

function errorCodeOf(code: string, inTlsConnect: boolean): CodedFailure {
  const known = ERROR_CODES[code];
  if (known !== undefined) return known;
  if (code.startsWith('PROXY_')) return 'unreachable';
  return inTlsConnect || /^ERR_(SSL|TLS)_/.test(code) ? 'tls' : 'unknown';
}
