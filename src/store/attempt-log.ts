const KEPT_ATTEMPTS = 50;
/**
 * Size of these in bytes, as BSON, beyond which only the newest keep headers and bodies: a receiver chooses the size
 * of both, and each attempt rewrites all of it.
 */
export const MAX_LOG_BYTES = 256 * 1024;
const KEPT_WHOLE = 3;

/**
 * A delivery's attempts with one more, as an expression of a pipeline.
 * @param attempt an expression
 * @param number the attempt's number
 */
export function logWith(attempt: object, number: number): object {
  const all = { $slice: [{ $concatArrays: ['$attempts', [attempt]] }, -KEPT_ATTEMPTS] };
  const bare = ['responseHeaders', 'responseBody', 'responseBodyCut'].reduce<object>(
    (input, field) => ({ $unsetField: { field, input } }),
    { $mergeObjects: ['$$one', { requestHeaders: { $literal: {} } }] },
  );
  const isNew = { $gt: ['$$one.number', number - KEPT_WHOLE] };
  const shortened = { $map: { input: '$$all', as: 'one', in: { $cond: [isNew, '$$one', bare] } } };
  const isLarge = { $gt: [{ $bsonSize: { attempts: '$$all' } }, MAX_LOG_BYTES] };
  return { $let: { vars: { all }, in: { $cond: [isLarge, shortened, '$$all'] } } };
}
