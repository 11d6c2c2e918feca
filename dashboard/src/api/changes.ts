/**
 * What a PATCH says of a form: what differs from what it shows before anybody writes, so that what was changed
 * elsewhere meanwhile stays as it is.
 * @param policy as it is now: a PATCH replaces it as a whole, also what the form doesn't show of it
 */
export function changesOf<Input extends { policy?: object }>(
  before: Input,
  after: Input,
  policy: object,
): Partial<Input> {
  const { policy: changedPolicy, ...changes } = differing<Partial<Input>>(before, after);
  if (changedPolicy === undefined) return changes as Partial<Input>;
  return {
    ...changes,
    policy: { ...policy, ...differing(before.policy ?? {}, changedPolicy) },
  } as Input;
}

/** The members of an object that the other one has not, or otherwise; `undefined` is not said at all. */
function differing<T extends object>(before: T, after: T): Partial<T> {
  const former = new Map(
    Object.entries(before).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  const changed = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(value) !== former.get(name),
  );
  return Object.fromEntries(changed) as Partial<T>;
}
