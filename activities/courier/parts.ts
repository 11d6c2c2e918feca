import type { ActivityDependencies } from '../dependencies';
import type { Pulse } from '../attempt/execution';
import type { Places } from '../concurrency';
import type { Hand } from './hand';
import type { Lease } from './lease';
import type { View } from './view';

export interface ShiftParts {
  deps: ActivityDependencies;
  /** Shared with the other couriers of this process. */
  places: Places;
  pulse: Pulse;
  projectId: string;
  /** Of the courier's workflow, under which its attempts are logged. */
  runId: string;
  /** When Temporal scheduled its execution. */
  scheduledAt: Date;
  /** Called each second with what the shift has in hand and what has ended. */
  onPulse: (counts: Record<string, number>) => void;
  /** Nothing more may be sent. */
  stopped: AbortSignal;
}

/** What all the parts of a shift have in common. */
export interface Shared extends ShiftParts {
  lease: Lease;
  hand: Hand;
  view: View;
}
