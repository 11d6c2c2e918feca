/** What keeps a process from its work, for the person who runs it: told in a line, without a stack. */
export class StartError extends Error {
  override name = 'StartError';
}
