import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work in this process may go on before everybody else has a turn. */
const TURN_MS = 10;

/** The turns of the event loop that some work takes. */
export class LoopTurns {
  private beganAt = performance.now();

  get isOver(): boolean {
    return performance.now() - this.beganAt >= TURN_MS;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.beganAt = performance.now();
  }
}
