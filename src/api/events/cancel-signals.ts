import type { Logger } from 'pino';
import { runOrLeave } from '../../temporal/run-or-leave';

/** Concurrent signals of a process: with more, Temporal gets slow for everything else. */
const AT_A_TIME = 8;
/** Any more are not told. */
const MAX_WAITING = 20_000;

/**
 * Deliveries whose workflows are to be told that they are cancelled: after the answers, since an event may have very
 * many. A workflow that isn't told notices when its next attempt is due.
 */
export class CancelSignals {
  private readonly waiting: string[] = [];
  private lanes = 0;

  constructor(
    private readonly signal: (deliveryId: string) => Promise<unknown>,
    private readonly log: Logger,
  ) {}

  add(deliveryIds: readonly string[]): void {
    this.waiting.push(...deliveryIds.slice(0, MAX_WAITING - this.waiting.length));
    while (this.lanes < AT_A_TIME && this.waiting.length > 0) {
      this.lanes += 1;
      void this.work().finally(() => (this.lanes -= 1));
    }
  }

  private async work(): Promise<void> {
    for (let id = this.waiting.shift(); id !== undefined; id = this.waiting.shift()) {
      const deliveryId = id;
      await runOrLeave(
        this.log,
        { deliveryId },
        'cancelled delivery left to its next attempt',
        () => this.signal(deliveryId),
      );
    }
  }
}
