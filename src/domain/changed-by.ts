/** Who changed something: the platform, with a key, or its customer, through a portal link. */
export const CHANGED_BY = ['platform', 'customer'] as const;
export type ChangedBy = (typeof CHANGED_BY)[number];

/** What says who stopped a webhook. */
export interface StopSigns {
  isActive: boolean;
  isPaused: boolean;
  disabledReason: 'manual' | 'gone' | 'consecutive_failures' | null;
  /** Not of one that was disabled automatically, or by an earlier version. */
  disabledBy?: ChangedBy | null;
  /** The `disabledAt` for which that is noted: an earlier version enables and disables without changing the note. */
  disabledByAt?: Date | null;
  disabledAt?: Date | null;
  /** The same for a pause. */
  pausedBy?: ChangedBy | null;
  pausedByAt?: Date | null;
  pausedAt?: Date | null;
}

type Disabling = Pick<
  StopSigns,
  'isActive' | 'disabledReason' | 'disabledBy' | 'disabledByAt' | 'disabledAt'
>;
type Pausing = Pick<StopSigns, 'isPaused' | 'pausedBy' | 'pausedByAt' | 'pausedAt'>;

/** Who disabled it by a request; if that isn't known, the platform may have. */
export function disabledBy(webhook: Disabling): ChangedBy | null {
  const { isActive, disabledReason, disabledBy: by, disabledByAt, disabledAt } = webhook;
  if (isActive) return null;
  if (by === 'platform') return by;
  if (by === 'customer' && isSame(disabledByAt, disabledAt)) return by;
  return disabledReason === 'manual' ? 'platform' : null;
}

/** The same for a pause. */
export function pausedBy({ isPaused, pausedBy: by, ...at }: Pausing): ChangedBy | null {
  if (!isPaused) return null;
  return by === 'customer' && isSame(at.pausedByAt, at.pausedAt) ? by : 'platform';
}

const isSame = (one: Date | null | undefined, other: Date | null | undefined): boolean =>
  one?.getTime() === other?.getTime();
