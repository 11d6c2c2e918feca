import type { ClientSession } from 'mongoose';
import { LRUCache } from 'lru-cache';

/**
 * How long what was read is used again: a change by another process takes that long to be seen here
 * (docs/operating.md, Several processes).
 */
const REMEMBERED_MS = 1000;
const MAX_REMEMBERED = 10_000;

/**
 * Remembers for a moment what every request needs. A change by this process is seen at once: whoever makes it
 * calls `forget`. What isn't there is not remembered.
 */
export class Remembered<T extends object> {
  private readonly known = new LRUCache<string, T>({ max: MAX_REMEMBERED, ttl: REMEMBERED_MS });
  /** Sessions whose end is waited for. */
  private readonly awaited = new WeakSet<ClientSession>();
  /** Reads in progress, which those who ask soon after their beginning share. */
  private reading = new Map<string, { beganAt: number; found: Promise<T | null> }>();

  async get(name: string, read: () => Promise<T | null>): Promise<T | null> {
    const known = this.known.get(name);
    if (known) return known;
    const { reading } = this;
    const beganAt = performance.now();
    const begun = reading.get(name);
    if (begun && beganAt - begun.beganAt < REMEMBERED_MS) return begun.found;
    const found = read();
    const own = { beganAt, found };
    reading.set(name, own);
    try {
      const value = await found;
      const ttl = Math.floor(REMEMBERED_MS - (performance.now() - beganAt));
      // Not if it was forgotten meanwhile: it may be from before the change.
      if (value && ttl > 0 && reading === this.reading) this.known.set(name, value, { ttl });
      return value;
    } finally {
      if (reading.get(name) === own) reading.delete(name);
    }
  }

  /** @param which those that have these fields. What is being read may be one of them, and is not remembered */
  forget(which: Partial<T>): void {
    const fields = Object.entries(which) as [keyof T, unknown][];
    for (const [name, one] of this.known.entries()) {
      if (fields.every(([field, value]) => one[field] === value)) this.known.delete(name);
    }
    this.reading = new Map();
  }

  /** After a change that applies when the session's transaction does, however often that is attempted. */
  forgetAfter(session: ClientSession, which: Partial<T>): void {
    if (this.awaited.has(session)) return;
    this.awaited.add(session);
    session.once('ended', () => this.forget(which));
  }
}
