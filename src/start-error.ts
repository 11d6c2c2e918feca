/** What prevents a process from working, for the person who runs it: one line, without a stack. */
export class StartError extends Error {
  override name = 'StartError';
}
