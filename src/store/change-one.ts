import type { Model, QueryFilter, QueryOptions } from 'mongoose';

/**
 * Changes one document by a pipeline's `$set`.
 * @returns the changed document; null: none matches
 */
export async function changeOne<T, R = T>(
  model: Model<T>,
  filter: QueryFilter<T>,
  fields: Record<string, unknown>,
  options: QueryOptions<T> = {},
): Promise<R | null> {
  return model.findOneAndUpdate(filter, [{ $set: fields }], options).lean<R>();
}

/** Changes, in a pipeline's `$set`, that apply only if that holds; otherwise the fields stay as they are. */
export const onlyIf = (
  condition: unknown,
  changes: Record<string, unknown>,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(changes).map(([name, to]) => [name, { $cond: [condition, to, `$${name}`] }]),
  );
