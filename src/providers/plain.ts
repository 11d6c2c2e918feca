/** Senders' terms for opened, clicked, bounced and unsubscribed. */
const HAPPENED = new Map([
  ['open', 'opened'],
  ['click', 'clicked'],
  ['bounce', 'bounced'],
  ['unsubscribe', 'unsubscribed'],
]);

/** Our term for a plain report's type: `email.opened`, `Opened` and `open` are all `opened`. */
export function happenedOf(type: string): string {
  const word = type
    .trim()
    .toLowerCase()
    .replace(/^email\./, '');
  return HAPPENED.get(word) ?? word;
}
