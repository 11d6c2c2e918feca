import { parseDelays, writeDelays } from '../../../dashboard/src/pages/webhook-form/durations';

it('makes whole milliseconds of fractions', () => {
  const delays = parseDelays('1.1h, 0.3s');
  expect(delays).toEqual([3_960_000, 300]);
  expect(writeDelays(delays!)).toBe('66m, 0.3s');
});
