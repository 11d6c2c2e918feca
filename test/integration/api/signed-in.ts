import { Browser } from '../../support/browser';
import { testEnvironment } from '../../support/stack';
import { useStack } from '../../support/use';

/** A stack behind a proxy, for all tests of a file, and how browsers sign in to it. */
export function useSignedIn() {
  const environment = testEnvironment({ POSTHORN_TRUSTED_PROXIES: '1' });
  const stack = useStack(environment, { worker: false });

  /** A browser that is signed in with a new key of a new project. */
  async function signedIn(role = 'owner', headers: Record<string, string> = {}) {
    const { id, client: owner } = await stack.project();
    const made = await owner.post(`/v1/projects/${id}/keys`, { name: 'Browser', role });
    const { id: keyId, key } = made.body.data as { id: string; key: string };
    const browser = new Browser(stack.url, headers);
    const answer = await browser.signIn({ key });
    expect(answer.status).toBe(201);
    return { id, owner, key, keyId, browser, answer };
  }

  /** Of the stack's own port. */
  const cookieName = (): string => `posthorn_session_${new URL(stack.url).port}`;

  return { environment, stack, signedIn, cookieName };
}

/** Of the last cookie that was set. */
export const setCookie = (headers: Headers): string => headers.getSetCookie().at(-1)!;
