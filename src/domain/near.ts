/** Longer words are not compared, which takes quadratic time. */
const MAX_LENGTH = 50;
const MAX_NEAR = 3;

/** Those of `known` that `word` may be a misspelling of: the nearest, at most three. */
export function near(word: string, known: Iterable<string>): string[] {
  if (word.length > MAX_LENGTH) return [];
  const lower = word.toLowerCase();
  const letters = lettersOf(word);
  let nearest = Math.max(1, Math.floor(word.length / 3));
  let found: string[] = [];
  for (const candidate of known) {
    // Only letters and digits count, so that `email_sent` finds `email.sent`.
    const isSame = letters === lettersOf(candidate);
    const distance = isSame ? 0 : editDistance(lower, candidate.toLowerCase(), nearest);
    if (distance > nearest) continue;
    if (distance < nearest) found = [];
    nearest = distance;
    if (found.length < MAX_NEAR) found.push(candidate);
  }
  return found;
}

/** ` Did you mean "x" or "y"?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const found = near(word, known).map((name) => `"${name}"`);
  return found.length === 0 ? '' : ` Did you mean ${found.join(' or ')}?`;
}

const lettersOf = (word: string): string => word.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/**
 * The number of characters to insert, remove, replace, or swap with their neighbour; Infinity: more than `most`. So
 * only the cells of the table that are that near its diagonal are filled in.
 */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return Infinity;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i += 1) {
    const row = Array.from({ length: b.length + 1 }, () => Infinity);
    row[0] = i;
    const end = Math.min(b.length, i + most);
    for (let j = Math.max(1, i - most); j <= end; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        last[j]! + 1,
        row[j - 1]! + 1,
        last[j - 1]! + (isSame ? 0 : 1),
        isSwapped ? before[j - 2]! + 1 : Infinity,
      );
    }
    before = last;
    last = row;
  }
  const distance = last[b.length]!;
  return distance > most ? Infinity : distance;
}
