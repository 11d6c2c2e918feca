/** Seeded random numbers (mulberry32): the same seed makes the same schedule. */
export function createRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low, high) => low + next() * (high - low);
  const pick = (items) => items[Math.floor(next() * items.length)];
  const shuffle = (items) => {
    const left = [...items];
    return items.map(() => left.splice(Math.floor(next() * left.length), 1)[0]);
  };
  return { next, between, pick, shuffle };
}
