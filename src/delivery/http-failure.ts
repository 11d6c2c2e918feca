import type { AttemptErrorCode } from '../contracts/delivery';
import { BlockedAddressError } from './address-guard';
import { DnsError } from './resolver';

/** Why an exchange got no answer, in words that may be shown to the webhook's owner. */
export interface HttpFailure {
  errorCode: AttemptErrorCode;
  /** Short and plain. Never a query, a credential, or an address that the URL didn't name. */
  errorMessage: string;
}

/**
 * Failures recognised by an error's code: all but those of the guard and the resolver, which have classes.
 */
type CodedFailure = Exclude<AttemptErrorCode, 'blocked_address' | 'dns' | 'secret_unreadable'>;

/** System error codes of Node's sockets, and codes of Node's streams. */
export const SOCKET_CODES: Readonly<Record<string, CodedFailure>> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ECONNABORTED: 'connection_reset',
  ENETRESET: 'connection_reset',
  ENOTCONN: 'connection_reset',
  EPIPE: 'connection_reset',
  ESHUTDOWN: 'connection_reset',
  ERR_SOCKET_CLOSED: 'connection_reset',
  ERR_STREAM_DESTROYED: 'connection_reset',
  ERR_STREAM_PREMATURE_CLOSE: 'connection_reset',
  // The parser's: the connection ended in the middle of an answer.
  HPE_INVALID_EOF_STATE: 'connection_reset',
  ETIMEDOUT: 'timeout',
  ERR_SOCKET_CONNECTION_TIMEOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  EAFNOSUPPORT: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  EPROTO: 'tls',
  // What the worker lacks: a network, ports of its own, file descriptors, memory.
  ENETDOWN: 'egress',
  ENONET: 'egress',
  EADDRNOTAVAIL: 'egress',
  EMFILE: 'egress',
  ENFILE: 'egress',
  ENOBUFS: 'egress',
  ENOMEM: 'egress',
};

/** Node's codes for certificates that it doesn't accept. */
export const CERTIFICATE_PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  CERT_REVOKED: 'the certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate chain is incomplete or not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate chain is incomplete or not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate chain is incomplete or not trusted',
  CERT_UNTRUSTED: 'the certificate chain is incomplete or not trusted',
  CERT_REJECTED: 'the certificate chain is incomplete or not trusted',
  CERT_CHAIN_TOO_LONG: 'the certificate chain is too long',
  PATH_LENGTH_EXCEEDED: 'the certificate chain is too long',
  INVALID_CA: 'the certificate is signed by a certificate that is not an authority',
  INVALID_PURPOSE: 'the certificate is not valid for servers',
  CERT_SIGNATURE_FAILURE: 'the signature of a certificate is wrong',
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: 'the signature of a certificate is wrong',
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 'the certificate cannot be read',
  ERROR_IN_CERT_NOT_BEFORE_FIELD: 'the certificate cannot be read',
  ERROR_IN_CERT_NOT_AFTER_FIELD: 'the certificate cannot be read',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
  ERR_TLS_CERT_ALTNAME_FORMAT: 'the certificate is for another host',
  HOSTNAME_MISMATCH: 'the certificate is for another host',
};

/** OpenSSL's codes that say more than that there is no secure connection. */
const TLS_PROBLEMS: Readonly<Record<string, string>> = {
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the receiver requires a client certificate',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the receiver does not answer with TLS',
};

const LENGTH_PROBLEM = "the answer's length is ambiguous";
/** The parser's codes that say more than that it can't continue; headers are limited to 64 KiB. */
const PARSER_PROBLEMS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "the answer's headers are too large",
  HPE_UNEXPECTED_CONTENT_LENGTH: LENGTH_PROBLEM,
  HPE_INVALID_CONTENT_LENGTH: LENGTH_PROBLEM,
  HPE_INVALID_TRANSFER_ENCODING: LENGTH_PROBLEM,
  HPE_INVALID_CHUNK_SIZE: "the answer's chunked encoding is invalid",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "the answer's chunked encoding is invalid",
};

const MESSAGES: Record<CodedFailure, (code: string, inTlsConnect: boolean) => string> = {
  tls: (code) =>
    CERTIFICATE_PROBLEMS[code] ??
    TLS_PROBLEMS[code] ??
    `no secure connection could be made (${code})`,
  connection_refused: () => 'the receiver refused the connection',
  connection_reset: (_code, inTlsConnect) =>
    inTlsConnect
      ? 'the receiver closed the connection during the TLS handshake'
      : 'the receiver closed the connection before its answer was complete',
  timeout: () => 'the connection could not be made in time',
  unreachable: (code) => `the receiver could not be reached (${code})`,
  invalid_response: (code) => PARSER_PROBLEMS[code] ?? 'the answer is not HTTP/1.1',
  egress: (code) =>
    code.startsWith('PROXY_')
      ? `the egress proxy made no connection (${code})`
      : `the worker could not open a connection (${code})`,
  unknown: (code) => `the request failed (${code})`,
};

/** Responses that the parser accepts, but that aren't valid answers. */
export const ANSWER_FAILURES = {
  otherProtocol: {
    errorCode: 'invalid_response',
    errorMessage: 'the answer switches to another protocol, which was not requested',
  },
  noStatus: { errorCode: 'invalid_response', errorMessage: "the answer's status is below 100" },
  onlyInterim: {
    errorCode: 'invalid_response',
    errorMessage: 'the receiver sent more than 100 interim answers',
  },
} as const satisfies Record<string, HttpFailure>;

/**
 * The failure that an error of a socket, TLS or Node's HTTP parser stands for.
 * @param inTlsConnect whether it came before an https connection was ready: what isn't known as a
 *   network failure then is one of TLS (OpenSSL has too many codes to list)
 */
export function httpFailure(
  error: Error,
  { inTlsConnect }: { inTlsConnect: boolean },
): HttpFailure {
  if (error instanceof BlockedAddressError) {
    return { errorCode: 'blocked_address', errorMessage: error.message };
  }
  if (error instanceof DnsError) {
    // The resolver's code for name servers that it can't reach: the codes for their answers, such as a refusal, are
    // others.
    if (error.code === 'ECONNREFUSED') {
      return { errorCode: 'egress', errorMessage: 'the worker could not reach its name servers' };
    }
    return {
      errorCode: 'dns',
      errorMessage: `the host name could not be resolved (${error.code})`,
    };
  }
  const code = tellingCode(error);
  const errorCode = errorCodeOf(code, inTlsConnect);
  return { errorCode, errorMessage: MESSAGES[errorCode](code, inTlsConnect) };
}

type ConnectError = NodeJS.ErrnoException & { address?: string };

/** An error's code; if several addresses failed, one of the receiver's, or else one that says more than "no route". */
function tellingCode(error: Error & { errors?: Error[] }): string {
  const codes = (error.errors ?? [error]).map(({ code, address }: ConnectError) =>
    // Linux's answer where IPv6 is disabled, as in most containers: the receiver has only IPv6 addresses.
    code === 'EADDRNOTAVAIL' && address?.includes(':') ? 'ENETUNREACH' : code,
  );
  const other = (...kinds: string[]): string | undefined =>
    codes.find((code) => code && !kinds.includes(SOCKET_CODES[code]!));
  return other('unreachable', 'egress') ?? other('unreachable') ?? codes[0] ?? 'no code';
}

function errorCodeOf(code: string, inTlsConnect: boolean): CodedFailure {
  if (Object.hasOwn(SOCKET_CODES, code)) return SOCKET_CODES[code]!;
  if (code.startsWith('HPE_')) return 'invalid_response';
  // The proxy's rules forbid the receiver; with a status of 5xx, or silent, it may not have reached it.
  if (/^PROXY_(403|5\d\d|TIMEOUT)$/.test(code)) return 'unreachable';
  if (code.startsWith('PROXY_')) return 'egress';
  const isTls = Object.hasOwn(CERTIFICATE_PROBLEMS, code) || /^ERR_(SSL|TLS|OSSL)_/.test(code);
  return isTls || inTlsConnect ? 'tls' : 'unknown';
}
