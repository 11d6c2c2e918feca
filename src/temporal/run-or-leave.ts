import type { Logger } from 'pino';

/**
 * Asks Temporal to do what, according to MongoDB, is to be done. If Temporal is unavailable, that is logged and
 * nothing is lost: reconcile asks for it later.
 * @param about what it is asked for: ids for the log
 * @param left what the log says then
 */
export async function runOrLeave(
  log: Logger,
  about: Readonly<Record<string, unknown>>,
  left: string,
  run: () => Promise<unknown>,
): Promise<void> {
  try {
    await run();
  } catch (error) {
    log.warn({ err: error, ...about }, left);
  }
}
