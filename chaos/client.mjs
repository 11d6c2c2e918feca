import { sleep } from '../scripts/lib/run.mjs';
import { createApi } from '../scripts/start/api.mjs';

const retryMs = 500;

/**
 * Calls whichever API answers, as a customer with two of them would: it switches after each call that got no
 * answer, or one that says to try again.
 */
export function createCaller({ apiUrls, key, random }) {
  const apis = apiUrls.map((url) => createApi(url, key));
  const once = (method, path, body, headers) =>
    random
      .pick(apis)(method, path, body, headers)
      .catch((error) => ({ status: 0, error }));
  /** Null if it is not known whether the call took effect; throws if it is refused. */
  const attempt = async (method, path, body, headers) => {
    const answer = await once(method, path, body, headers);
    if (answer.status >= 200 && answer.status < 300) return answer;
    if (answer.status === 0 || answer.status >= 500) return null;
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.error)}`);
  };
  return {
    once,
    attempt,
    async must(method, path, body, headers) {
      for (;;) {
        const answer = await attempt(method, path, body, headers);
        if (answer) return answer;
        await sleep(retryMs);
      }
    },
  };
}
