/** Percentages of the threshold at which a webhook's owner is warned, rising. */
const WARNING_PERCENTS = [50, 75] as const;
export type WarningPercent = (typeof WARNING_PERCENTS)[number];

/**
 * The highest warning that is due after this many consecutive failures; null for none. A percentage that is reached
 * only together with the threshold itself triggers no warning.
 */
export function warningAt(failures: number, threshold: number): WarningPercent | null {
  const due = WARNING_PERCENTS.filter((percent) => {
    const from = Math.ceil((threshold * percent) / 100);
    return from < threshold && failures >= from;
  });
  return due.at(-1) ?? null;
}
