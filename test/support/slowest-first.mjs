// The slowest files first: whatever is left at the end, both workers have something to do. Jest knows
// only how long they took on this machine, so nothing where a clone is fresh.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Sequencer from '@jest/test-sequencer';

const recorded = JSON.parse(readFileSync(new URL('../timings.json', import.meta.url), 'utf8'));

export default class SlowestFirst extends Sequencer {
  time(test) {
    const name = path.relative(test.context.config.rootDir, test.path).split(path.sep).join('/');
    // One that is not recorded yet comes before all others.
    return recorded[name];
  }
}
