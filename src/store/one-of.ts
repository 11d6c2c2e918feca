/**
 * The condition that a field is one of these texts, for fields with a partial index by `$type: 'string'`: from the
 * texts alone MongoDB doesn't conclude that it can use the index, and reads all documents.
 */
export const oneOf = (...texts: readonly string[]) => ({ $in: texts, $type: 'string' }) as const;
