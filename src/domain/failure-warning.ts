/** Percentages of the threshold at which a webhook's owner is warned, rising. */
const WARNING_PERCENTS = [50, 75] as const;
export type WarningPercent = (typeof WARNING_PERCENTS)[number];

/**
 * The highest warning that so many consecutive failures call for; null for none. A percentage that is
 * only reached together with the threshold itself warns of nothing.
 */
export function warningAt(failures: number, threshold: number): WarningPercent | null {
  const due = WARNING_PERCENTS.filter((percent) => {
    const from = Math.ceil((threshold * percent) / 100);
    return from < threshold && failures >= from;
  });
  return due.at(-1) ?? null;
}
