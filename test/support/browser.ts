import { read, type Answer } from './api-client';

/** Calls the API as a browser's page does: by a cookie that the page can't read, and the CSRF token. */
export class Browser {
  /** As the last answer set it. */
  cookie = '';
  csrfToken = '';

  constructor(
    readonly url: string,
    private readonly headers: Record<string, string> = {},
  ) {}

  /** @param body `{key}` or `{link}` */
  async signIn(body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.send('POST', '/dashboard/session', body, headers);
    this.csrfToken = answer.body.data?.csrfToken ?? this.csrfToken;
    return answer;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string | undefined> = {},
  ): Promise<Answer> {
    const all = {
      origin: this.url,
      cookie: this.cookie,
      'x-csrf-token': this.csrfToken,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...this.headers,
      ...headers,
    };
    const given = Object.entries(all).filter(([, value]) => value !== undefined && value !== '');
    const response = await fetch(this.url + path, {
      method,
      headers: given,
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'manual',
    });
    const set = response.headers.getSetCookie().at(-1);
    if (set !== undefined) this.cookie = set.split(';', 1)[0]!;
    return read(method, response);
  }
}
