/** `target` with one method replaced, to stop a process at that step or to hold it there. */
export function intercept<T extends object, K extends keyof T>(
  target: T,
  method: K,
  replacement: T[K],
): T {
  return Object.create(target, { [method]: { value: replacement } }) as T;
}
