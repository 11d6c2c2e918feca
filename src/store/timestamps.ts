import { clock } from '../clock';

/** Schema option: `createdAt` and `updatedAt` are MongoDB's time. */
export const BY_CLOCK = { currentTime: (): Date => clock.now() };
