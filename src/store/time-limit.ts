import type { Schema } from 'mongoose';

/** Milliseconds after which MongoDB gives up a read that has no limit of its own (`isTooSlow`). */
export const MAX_READ_MS = 10_000;

/** Milliseconds that a majority has to confirm a write: after that it is in doubt (`isStoreUnavailable`). */
export const MAX_CONFIRM_MS = 10_000;

/** A plugin for every schema: no read may run for ever at the expense of all others. */
export function limitReads(schema: Schema): void {
  schema.pre(['find', 'findOne', 'countDocuments', 'distinct'], function () {
    if (this.getOptions().maxTimeMS === undefined) this.maxTimeMS(MAX_READ_MS);
  });
  schema.pre('aggregate', function () {
    if (this.options.maxTimeMS === undefined) this.option({ maxTimeMS: MAX_READ_MS });
  });
}
