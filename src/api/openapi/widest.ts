import { profiles } from '../../profiles';

/** Bodies depend on the project; shown is what the widest profile takes, and the rest is told in words. */
export const widest = [...profiles.values()].find(({ secretFromCaller }) => secretFromCaller)!;
