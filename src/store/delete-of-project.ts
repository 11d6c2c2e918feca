import type { Model, QueryFilter } from 'mongoose';

const BATCH = 500;

/** Deletes a project's documents, however many, in batches: each is over soon, and says so by `onBatch`. */
export async function deleteOfProject<T extends { _id: string; projectId: string }>(
  model: Model<T>,
  projectId: string,
  onBatch: () => void,
): Promise<void> {
  for (;;) {
    onBatch();
    const found = await model
      .find({ projectId } as QueryFilter<T>, { _id: 1 })
      .limit(BATCH)
      .lean<{ _id: string }[]>();
    await model.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } } as QueryFilter<T>);
    if (found.length < BATCH) return;
  }
}
