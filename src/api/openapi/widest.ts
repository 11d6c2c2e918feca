import { profiles } from '../../profiles';

/**
 * Bodies depend on the project; the document shows what the widest profile accepts, and describes the rest in
 * words.
 */
export const widest = [...profiles.values()].find(({ secretFromCaller }) => secretFromCaller)!;
