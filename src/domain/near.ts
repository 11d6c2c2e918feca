/** Longer words are not compared: that takes quadratic time. */
const MAX_LENGTH = 50;
const MAX_NEAR = 3;

/** Those of `known` that `word` may be a misspelling of: the nearest, at most three. */
export function near(word: string, known: Iterable<string>): string[] {
  if (word.length > MAX_LENGTH) return [];
  const distances = [...known].map((candidate) => ({
    candidate,
    // Only letters and digits count, so that `email_sent` finds `email.sent`.
    distance:
      lettersOf(word) === lettersOf(candidate)
        ? 0
        : editDistance(word.toLowerCase(), candidate.toLowerCase()),
  }));
  const nearest = Math.min(...distances.map(({ distance }) => distance));
  if (nearest > Math.max(1, Math.floor(word.length / 3))) return [];
  return distances
    .filter(({ distance }) => distance === nearest)
    .slice(0, MAX_NEAR)
    .map(({ candidate }) => candidate);
}

/** ` Did you mean "x" or "y"?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const found = near(word, known).map((name) => `"${name}"`);
  return found.length === 0 ? '' : ` Did you mean ${found.join(' or ')}?`;
}

const lettersOf = (word: string): string => word.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** The number of characters to insert, remove, replace, or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAX_LENGTH) return Infinity;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
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
  return last[b.length]!;
}
