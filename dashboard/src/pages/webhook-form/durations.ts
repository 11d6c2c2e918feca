const UNIT_MS = { s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 } as const;

/** `30s, 5m, 2h` in milliseconds; null: something else is written there. */
export function parseDelays(text: string): number[] | null {
  const parts = text
    .split(/[,;\s]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const delays = parts.map((part) => {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)(s|m|min|h)$/.exec(part) ?? [];
    return amount === undefined
      ? null
      : Math.round(Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]);
  });
  if (delays.length === 0 || delays.includes(null)) return null;
  return delays as number[];
}

export function writeDelays(delaysMs: readonly number[]): string {
  return delaysMs
    .map((ms) => {
      const { h, m, s } = UNIT_MS;
      if (ms % h === 0) return `${ms / h}h`;
      return ms % m === 0 ? `${ms / m}m` : `${ms / s}s`;
    })
    .join(', ');
}
