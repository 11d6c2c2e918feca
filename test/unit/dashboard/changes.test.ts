import { changesOf } from '../../../dashboard/src/api/changes';

interface Input {
  name: string;
  headers: Record<string, string>;
  filter: null;
  policy?: { timeoutMs?: number | undefined; ratePerSecond?: undefined };
}

const before: Input = {
  name: 'Orders',
  headers: { a: '1' },
  filter: null,
  policy: { timeoutMs: 5000, ratePerSecond: undefined },
};

it('says what differs, and nothing else', () => {
  const after = { ...before, headers: { a: '2' }, policy: { ...before.policy } };
  expect(changesOf(before, after, {})).toEqual({ headers: { a: '2' } });
  expect(changesOf(before, before, {})).toEqual({});
});

it('keeps of the policy what is not in the form, and what nobody has changed there', () => {
  const now = { timeoutMs: 9000, ratePerSecond: null, backlogOrder: 'newest_first', other: 1 };
  const after = { ...before, policy: { timeoutMs: undefined, ratePerSecond: undefined } };
  const changed = changesOf(before, after, now);
  expect(JSON.parse(JSON.stringify(changed))).toEqual({
    policy: { ratePerSecond: null, backlogOrder: 'newest_first', other: 1 },
  });
});

it('says nothing of a policy that the form may not change', () => {
  const { policy, ...after } = before;
  expect(changesOf(before, { ...after, name: 'Shop' }, policy!)).toEqual({ name: 'Shop' });
});
