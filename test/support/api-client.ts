import { createPosthornClient, type Posthorn } from '../../clients/typescript';
import { assertDocumented } from './conformance';
import { Unavailable } from './eventually';

/** An answer of the API, as tests see it. */
export interface Answer {
  status: number;
  headers: Headers;
  // Tests assert on what is in it; a type here would claim what they are to prove.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

/** Calls the HTTP API with one key, and holds every answer against the OpenAPI document. */
export class ApiClient {
  /** The generated client with the same key. */
  readonly typed: Posthorn;

  constructor(
    readonly url: string,
    readonly key: string,
    private readonly headers: Record<string, string> = {},
  ) {
    this.typed = createPosthornClient({
      url,
      key,
      projectId: headers['x-project-id'],
      fetch: async (request) => {
        const response = await fetch(request);
        await read(request.method, response.clone());
        return response;
      },
    });
  }

  /** The same key with more headers, such as `x-project-id`. */
  with(headers: Record<string, string>): ApiClient {
    return new ApiClient(this.url, this.key, { ...this.headers, ...headers });
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path);
  }

  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    return this.send('POST', path, body, headers);
  }

  patch(path: string, body: unknown): Promise<Answer> {
    return this.send('PATCH', path, body);
  }

  delete(path: string): Promise<Answer> {
    return this.send('DELETE', path);
  }

  /** @param body a string is sent as it is, anything else as JSON */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...this.headers,
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return read(method, response);
  }
}

/** @throws Error if the OpenAPI document has no such answer */
export async function read(method: string, response: Response): Promise<Answer> {
  const { status, headers, url } = response;
  const text = await response.text();
  const contentType = headers.get('content-type');
  const isJson = contentType?.startsWith('application/json') && text !== '';
  const body = isJson ? JSON.parse(text) : text || undefined;
  assertDocumented(method, url, { status, contentType, body });
  if (status === 503 && isJson) refuseData(body, `${method} ${url} was answered 503: ${text}`);
  return { status, headers, body };
}

/** Has whoever looks for the data of that answer fail with that, which `eventually` outlasts. */
function refuseData(body: object, why: string): void {
  const get = (): never => {
    throw new Unavailable(why);
  };
  Object.defineProperty(body, 'data', { get });
}
