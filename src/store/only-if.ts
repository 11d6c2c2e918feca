/** Changes, in a pipeline's `$set`, that apply only if that holds; otherwise the fields stay as they are. */
export const onlyIf = (
  condition: unknown,
  changes: Record<string, unknown>,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(changes).map(([name, to]) => [name, { $cond: [condition, to, `$${name}`] }]),
  );
