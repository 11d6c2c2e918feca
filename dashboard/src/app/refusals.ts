import type { Replay, Webhook } from '../api/types';
import { texts } from '../texts';
import { useAccess } from './access';

const words = texts.portal.refused;

/**
 * Why what is offered here is refused to whoever is signed in, by what the platform has decided; null: it isn't.
 * What they may never do isn't offered (`useAccess`).
 */
interface Refusals {
  /** Sending to a webhook, enabling and disabling it. undefined: it was deleted, or isn't known yet. */
  send: (webhook: Pick<Webhook, 'disabledBy'> | undefined) => string | null;
  /** Pausing and resuming it. */
  pause: (webhook: Pick<Webhook, 'pausedBy'> | undefined) => string | null;
  deleteWebhook: (webhook: Pick<Webhook, 'disabledBy' | 'pausedBy'>) => string | null;
  cancelReplay: (replay: Pick<Replay, 'startedBy'>) => string | null;
  pauseReplay: (replay: Pick<Replay, 'startedBy' | 'pausedBy'>) => string | null;
}

export function useRefusals(): Refusals {
  const { isPlatform } = useAccess();
  const refused = (by: Webhook['disabledBy'] | undefined, why: string): string | null =>
    !isPlatform && by === 'platform' ? why : null;
  const send: Refusals['send'] = (webhook) => refused(webhook?.disabledBy, words.disabled);
  const pause: Refusals['pause'] = (webhook) => refused(webhook?.pausedBy, words.paused);
  const cancelReplay: Refusals['cancelReplay'] = ({ startedBy }) =>
    refused(startedBy, words.replayStarted);
  return {
    send,
    pause,
    deleteWebhook: (webhook) => send(webhook) ?? pause(webhook),
    cancelReplay,
    pauseReplay: (replay) => cancelReplay(replay) ?? refused(replay.pausedBy, words.replayPaused),
  };
}
