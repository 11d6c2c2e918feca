import { DAY_MS } from '../../../../src/domain/durations';
import { nowMs } from '../../api/clock';
import type { ReplayInput } from '../../api/replays';
import { texts } from '../../texts';

const words = texts.replays.form;

/** What has ended, and can be sent again. */
export const STATUSES = ['failed', 'skipped', 'cancelled', 'succeeded'] as const;
type Status = (typeof STATUSES)[number];

export interface Draft {
  /** Empty: all. */
  webhookId: string;
  statuses: ReadonlySet<Status>;
  /** Patterns, separated by commas. */
  types: string;
  since: string;
  until: string;
  /** Empty: none. */
  rate: string;
}

/** @param given by the address, as its filters are written */
export function firstDraft(
  given: Partial<Record<'webhookId' | 'statuses' | 'types' | 'since' | 'until', string>>,
): Draft {
  const asked = given.statuses?.split(',') ?? ['failed', 'skipped'];
  return {
    webhookId: given.webhookId ?? '',
    statuses: new Set(STATUSES.filter((status) => asked.includes(status))),
    types: given.types ?? '',
    since: given.since ?? new Date(nowMs() - DAY_MS).toISOString(),
    until: given.until ?? new Date(nowMs()).toISOString(),
    rate: '',
  };
}

/**
 * What is sent to the API; null if something is wrong, by field: JSON would leave out a rate that is no number. The
 * API checks the rest.
 */
export function inputOf(draft: Draft): {
  input: ReplayInput | null;
  problems: Partial<Record<keyof ReplayInput, string>>;
} {
  const { webhookId, since, until } = draft;
  const types = draft.types
    .split(/[,\s]+/)
    .map((type) => type.trim())
    .filter((type) => type !== '');
  const rate = draft.rate.trim();
  const ratePerSecond = rate === '' ? null : Number(rate.replace(',', '.'));
  const problems = {
    ...(draft.statuses.size === 0 && { statuses: words.statusesMissing }),
    ...(since === '' && { since: words.time }),
    ...(until === '' && { until: words.time }),
    ...(ratePerSecond !== null &&
      !Number.isFinite(ratePerSecond) && { ratePerSecond: words.number }),
  };
  const input = {
    ...(webhookId !== '' && { webhookId }),
    ...(types.length > 0 && { types }),
    statuses: [...draft.statuses],
    since,
    until,
    ratePerSecond,
  };
  return { input: Object.keys(problems).length > 0 ? null : input, problems };
}
