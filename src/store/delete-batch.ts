import type { Model, QueryFilter } from 'mongoose';

const BATCH = 500;

/**
 * Deletes some of a project's documents: a short operation, however many there are.
 * @returns whether there may be more
 */
export async function deleteBatch<T extends { _id: string; projectId: string }>(
  model: Model<T>,
  projectId: string,
): Promise<boolean> {
  const found = await model
    .find({ projectId } as QueryFilter<T>, { _id: 1 })
    .limit(BATCH)
    .lean<{ _id: string }[]>();
  await model.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } } as QueryFilter<T>);
  return found.length === BATCH;
}
