const calmStartMs = 8000;
const calmEndMs = 10_000;
const twoAtOnce = 0.35;

/**
 * When which parts are struck, and how: `{atMs, strike, parts, downMs}` in order of time, determined by the
 * random numbers alone. Every part is struck before one is struck again.
 * `strike`: `kill` is SIGKILL, started again after `downMs`; `pause` is SIGSTOP, and SIGCONT after `downMs`;
 * `step-down` makes MongoDB's primary step down for a moment; `terminate` ends a workflow in Temporal, as an
 * operator might.
 */
export function makeSchedule({ random, parts, durationMs }) {
  const incidents = [];
  let turn = [];
  const nextPart = () => {
    if (turn.length === 0) turn = random.shuffle(parts);
    return turn.shift();
  };
  let atMs = calmStartMs;
  while (atMs < durationMs - calmEndMs) {
    const strike = strikeOf(random.next());
    const isOnParts = strike === 'kill' || strike === 'pause';
    const struck = isOnParts ? [nextPart()] : [];
    if (isOnParts && random.next() < twoAtOnce) {
      struck.push(random.pick(parts.filter((part) => part !== struck[0])));
    }
    incidents.push({
      atMs: Math.round(atMs),
      strike,
      parts: struck,
      downMs: Math.round(
        strike === 'pause' ? random.between(1000, 12_000) : random.between(0, 6000),
      ),
    });
    atMs += random.between(6000, 14_000);
  }
  return incidents;
}

function strikeOf(dice) {
  if (dice > 0.92) return 'step-down';
  if (dice > 0.85) return 'terminate';
  return dice > 0.62 ? 'pause' : 'kill';
}
