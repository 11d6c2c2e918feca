/** Who changed something: the platform, with a key, or its customer, by a portal link. */
export const CHANGED_BY = ['platform', 'customer'] as const;
export type ChangedBy = (typeof CHANGED_BY)[number];

/** What says who stopped a webhook. */
export interface StopSigns {
  isActive: boolean;
  isPaused: boolean;
  disabledReason: 'manual' | 'gone' | 'consecutive_failures' | null;
  /** Not of one that was disabled automatically, or by an earlier version. */
  disabledBy?: ChangedBy | null;
  /** The same of a pause. */
  pausedBy?: ChangedBy | null;
}

/** Who disabled it by a request; if that isn't known, the platform may have. */
export function disabledBy({
  isActive,
  disabledReason,
  disabledBy: by,
}: Omit<StopSigns, 'isPaused' | 'pausedBy'>): ChangedBy | null {
  if (isActive) return null;
  return by ?? (disabledReason === 'manual' ? 'platform' : null);
}

/** The same of a pause. */
export const pausedBy = ({
  isPaused,
  pausedBy: by,
}: Pick<StopSigns, 'isPaused' | 'pausedBy'>): ChangedBy | null =>
  isPaused ? (by ?? 'platform') : null;
