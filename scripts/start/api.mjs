import { Refusal } from '../lib/run.mjs';

const requestTimeoutMs = 15_000;

/** A client of our own API. Answers `{status, data, error}`; only a lost connection throws. */
export function createApi(apiUrl, key) {
  return async function call(method, path, body, headers = {}) {
    const response = await fetch(apiUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const text = await response.text();
    const parsed = parse(text);
    return { status: response.status, data: parsed?.data, error: parsed?.error ?? text };
  };
}

/** The answer's data, or an error with the request and the answer. */
export async function mustCall(call, method, path, body, headers) {
  const { status, data, error } = await call(method, path, body, headers);
  if (status >= 200 && status < 300) return data;
  const { code, message } = typeof error === 'object' ? error : { message: error };
  throw new Refusal(
    `${method} ${path} answered ${status}: ${[code, message].filter(Boolean).join(', ')}`,
  );
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
