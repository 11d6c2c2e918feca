import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PENDING_REASONS } from '../../../src/api/schemas/delivery';
import { DELIVERY_STATUSES, DISPATCHES } from '../../../src/contracts/delivery';
import { OPERATIONAL_TYPES } from '../../../src/contracts/operational';

const docs = path.resolve(__dirname, '../../../docs');
const read = (file: string): string => readFileSync(path.join(docs, file), 'utf8');
const concepts = read('concepts.md');
/** The glossary's entries, by their terms. */
const entries = new Map(
  [...concepts.matchAll(/^\| \*\*(.+?)\*\* +\| (.+?) +\|/gm)].map(([, term, text]) => [
    term!,
    text!,
  ]),
);

/** The first cells of a section's table, without their code marks. */
function rowsOf(heading: string): string[] {
  const section = concepts.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))!;
  return [...section.matchAll(/^\| `(\w+)` +\|/gm)].map(([, cell]) => cell!);
}

/** Which state leads to which, in a document's diagram. */
const transitionsOf = (text: string): string[] =>
  [...text.matchAll(/^ {4}(\S+) --> (\S+): /gm)]
    .map(([, from, to]) => `${from} → ${to}`)
    .toSorted();

describe('docs/concepts.md', () => {
  it.each([
    'project',
    'profile',
    'event',
    'event type',
    'webhook',
    'delivery',
    'attempt',
    'retry',
    'round',
    'queued',
    'held',
    'skipped',
    'courier',
    'dispatch',
    'replay',
    'reconcile',
    'secret',
    'key',
    'envelope',
    'schedule',
    'health',
    'report',
    'setup',
    'superseded',
  ])('explains what is meant by %s', (term) => {
    expect(entries.get(term)).toMatch(/\.$/);
  });

  it('explains no term twice', () => {
    expect(concepts.match(/^\| \*\*/gm)).toHaveLength(entries.size);
  });

  it('names what there is of dispatch and of operational events', () => {
    for (const name of DISPATCHES) expect(entries.get('dispatch')).toContain(`\`${name}\``);
    for (const type of OPERATIONAL_TYPES) {
      expect(entries.get('operational event')).toContain(`\`${type}\``);
    }
  });

  it('has just the statuses of the code, in the diagram and in the table', () => {
    const inDiagram = transitionsOf(concepts).flatMap((transition) => transition.split(' → '));
    const statuses = DELIVERY_STATUSES.toSorted();
    expect([...new Set(inDiagram)].filter((name) => name !== '[*]').toSorted()).toEqual(statuses);
    expect(rowsOf('The states of a delivery').toSorted()).toEqual(statuses);
  });

  it('has the transitions of ADR 0022, each of which test/integration/rounds.test.ts makes', () => {
    const decided = read('adr/0022-one-compare-and-set-says-which-run-counts.md');
    expect(transitionsOf(concepts)).toEqual(transitionsOf(decided));
  });

  it('explains each reason why a delivery is pending', () => {
    const reasons = rowsOf('Why a delivery has not arrived yet');
    expect(reasons.toSorted()).toEqual(PENDING_REASONS.toSorted());
  });
});
