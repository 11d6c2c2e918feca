import type { Logger } from 'pino';
import { HOUR_MS, MINUTE_MS } from './domain/durations';

/** Milliseconds until a lasting problem is reported again, doubled each time. */
export const FIRST_REMINDER_MS = MINUTE_MS;
const LAST_REMINDER_MS = HOUR_MS;

/**
 * Logs a problem in one line: when it begins or changes, at growing intervals while it lasts, and when it is
 * over.
 */
export class Trouble {
  told: string | null = null;
  private remindAt = 0;
  private reminderMs = FIRST_REMINDER_MS;

  constructor(
    private readonly log: Logger,
    private readonly overMessage: string,
  ) {}

  is(trouble: string | null): void {
    const now = performance.now();
    if (trouble !== this.told) {
      this.reminderMs = FIRST_REMINDER_MS;
      if (trouble === null) this.log.info(this.overMessage);
    } else if (trouble === null || now < this.remindAt) {
      return;
    } else {
      this.reminderMs = Math.min(this.reminderMs * 2, LAST_REMINDER_MS);
    }
    this.told = trouble;
    this.remindAt = now + this.reminderMs;
    if (trouble !== null) this.log.error(trouble);
  }
}
