import { looksAt } from '../../../dashboard/src/api/looks';

it.each([
  [0, 'unreachable', Number.POSITIVE_INFINITY],
  [429, 'rate_limited', Number.POSITIVE_INFINITY],
  [502, 'unreadable_answer', Number.POSITIVE_INFINITY],
  [503, 'unavailable', Number.POSITIVE_INFINITY],
  [504, 'unreadable_answer', Number.POSITIVE_INFINITY],
  [522, 'unreadable_answer', Number.POSITIVE_INFINITY],
  [500, 'internal_error', 3],
  [503, 'too_slow', 1],
  [404, 'not_found', 1],
])('what is answered %i %s is asked for %d times', (status, code, looks) => {
  expect(looksAt({ status, code })).toBe(looks);
});
