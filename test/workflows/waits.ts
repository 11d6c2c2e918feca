import type { PlannedDelivery } from '../../src/contracts/activities';
import type { Harness } from './harness';

/** The skipped clock advances while the machine works: how many milliseconds of it an attempt may take. */
const WORK_MS = 60_000;

/** Expects these waits before the 2nd, 3rd, … attempt, each lengthened by at most 10 %. */
export function expectWaits(harness: Harness, planned: PlannedDelivery, expected: number[]): void {
  const asked = harness.executionsOf(planned).map(({ nextDelayMs }) => nextDelayMs);
  const waited = harness.waitsOf(planned);
  expect(waited).toHaveLength(expected.length);
  expected.forEach((delay, index) => {
    expect(asked[index]).toBeGreaterThanOrEqual(delay);
    expect(asked[index]).toBeLessThanOrEqual(delay * 1.1);
    expect(waited[index]).toBeGreaterThanOrEqual(asked[index]!);
    expect(waited[index]).toBeLessThanOrEqual(asked[index]! + WORK_MS);
  });
}
