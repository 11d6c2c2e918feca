import { DISPATCHES, type Dispatch } from '../../src/contracts/delivery';

/** A stack whose projects of `auto`, with up to three webhooks, use both ways. */
export const MIXED = { POSTHORN_AUTO_WORKFLOWS_PER_SECOND: '3' };

/** How events are dispatched. */
export const MODES: readonly Dispatch[] = DISPATCHES;

/** The two ways themselves, of which `auto` takes one or the other: every promise is tested in both. */
export const WAYS: readonly Dispatch[] = ['workflow', 'express'];
