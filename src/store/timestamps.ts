import { clock } from '../clock';

/** Of a schema: `createdAt` and `updatedAt` are MongoDB's time. */
export const BY_CLOCK = { currentTime: (): Date => clock.now() };
