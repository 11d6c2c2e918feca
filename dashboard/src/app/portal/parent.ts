/*
 * What the portal and the page that embeds it say to each other, by postMessage. Only the origins that the
 * project allows can embed it (`frame-ancestors`), so the parent is trusted; nothing secret is sent to it.
 */

/** To the parent: the page is there; its link ends soon, or has ended. */
export type Asking = 'ready' | 'renew';
/** From the parent: a new link's token; how the page is to look. */
type Told = 'token' | 'theme';

const PREFIX = 'posthorn:';
const ANSWER_MS = 5_000;

const isEmbedded = window.parent !== window;

export function askParent(what: Asking): void {
  if (isEmbedded) window.parent.postMessage({ type: `${PREFIX}${what}` }, '*');
}

export function onParentMessage(
  what: Told,
  then: (message: Record<string, unknown>) => void,
): () => void {
  const listener = ({ source, data }: MessageEvent<unknown>): void => {
    if (!isEmbedded || source !== window.parent) return;
    if (typeof data !== 'object' || data === null) return;
    const message = data as Record<string, unknown>;
    if (message.type === `${PREFIX}${what}`) then(message);
  };
  window.addEventListener('message', listener);
  return () => window.removeEventListener('message', listener);
}

/** Asks for a link. False: nobody embeds the page, or there is no answer. */
export function parentAnswers(): Promise<boolean> {
  if (!isEmbedded) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (isAnswered: boolean): void => {
      stop();
      clearTimeout(timer);
      resolve(isAnswered);
    };
    const stop = onParentMessage('token', () => done(true));
    const timer = setTimeout(() => done(false), ANSWER_MS);
    askParent('renew');
  });
}
