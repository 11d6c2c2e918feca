import { DISPATCHES, type Dispatch } from '../../src/contracts/delivery';

/** A stack whose projects of `auto` use both ways: a workflow for one event a second, the courier beyond. */
export const MIXED = { POSTHORN_AUTO_WORKFLOWS_PER_SECOND: '1' };

/** How events are driven: every promise is tested in each. */
export const MODES: readonly Dispatch[] = DISPATCHES;
