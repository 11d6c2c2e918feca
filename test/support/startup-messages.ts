import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from './eventually';
import { firstComplaint } from './first-complaint';
import { freePort } from './free-port';
import { testEnvironment } from './stack';

export const root = path.resolve(__dirname, '../..');
export const MAIN = path.join(root, 'dist/src/main.js');
/** As package.json has it. */
const START = ['--require', './scripts/lib/node-version.cjs', path.join(root, 'scripts/start.mjs')];
export const PATIENCE_MS = 120_000;
/** What is also said of MongoDB and Temporal if they are too busy to answer within seconds, or this machine is. */
const PASSING = ['does not answer in time', 'it does not respond (timeout)', 'MongoDB fails: '];
const DOCUMENT = 'docs/proof/startup-messages.md';
/** Of the document: each has a test file of its own. */
const PARTS = ['MongoDB, Temporal and setup', 'The machine', 'Settings'] as const;
type Part = (typeof PARTS)[number];

export interface Situation {
  environment?: Record<string, string>;
  /** The document's placeholders for what differs in each run. */
  shown?: Record<string, string>;
  node?: string;
}

type Tells = (
  wrong: string,
  command: string,
  prepare: () => Promise<Situation> | Situation,
) => void;

/** The rows of a part of the document whose second cell is a command, by what is wrong. */
function rowsOf(part: Part): Map<string, { text: string; outcome: string }> {
  const [, ...parts] = readFileSync(path.join(root, DOCUMENT), 'utf8').split(/^## /m);
  expect(parts.map((one) => one.slice(0, one.indexOf('\n')))).toEqual(PARTS);
  const rows = parts[PARTS.indexOf(part)]!.matchAll(
    /^\| (.+?) +\| `(.+?)` +\| `(.+)` +\| (waits|ends) +\|$/gm,
  );
  return new Map(
    [...rows].map(([, wrong, command, text, outcome]) => [
      `${wrong}, ${command}`,
      { text: text!, outcome: outcome! },
    ]),
  );
}

/** For the tests of one part of the document, in a file of their own. */
export function startupMessages(part: Part) {
  const documented = rowsOf(part);
  const told = new Set<string>();
  const folders: string[] = [];
  const newFolder = (): string => {
    const folder = mkdtempSync(path.join(tmpdir(), 'posthorn-newcomer-'));
    folders.push(folder);
    return folder;
  };
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  /** Has a command print what it prints, and holds it against the document. */
  async function expectTold(
    wrong: string,
    command: string,
    { environment = {}, shown = {}, node }: Situation,
  ): Promise<void> {
    const args = command === 'npm start' ? START : [MAIN, command];
    const own = testEnvironment({ LOG_LEVEL: 'info', PORT: String(await freePort()) });
    const given = command === 'npm start' ? environment : { ...own, ...environment };
    const name = `${wrong}, ${command}`;
    const expected = documented.get(name);
    const passing = PASSING.filter((one) => !expected?.text.includes(one));
    const { text, outcome } = await eventually('it complains of what lasts', async () => {
      const complaint = await firstComplaint(args, given, node, passing);
      // One that ends is run again.
      return !passing.some((one) => complaint.text.includes(one)) && complaint;
    });
    const general = Object.entries({
      ...shown,
      ...(given.TEMPORAL_NAMESPACE !== undefined && { [given.TEMPORAL_NAMESPACE]: 'posthorn' }),
    }).reduce((so, [actual, general_]) => so.replaceAll(actual, general_), text);
    told.add(name);
    expect({ name, text: general, outcome }).toEqual({ name, ...expected });
  }

  /** In this order: a situation may depend on the one before, or be set up by `beforeEach`. */
  const tells: Tells = (wrong, command, prepare) =>
    it(
      `${wrong}, ${command}`,
      async () => expectTold(wrong, command, await prepare()),
      PATIENCE_MS,
    );
  /** Beside the others of its group: most of it is the start of a process, and waiting for its complaint. */
  const alsoTells: Tells = (wrong, command, prepare) =>
    it.concurrent(
      `${wrong}, ${command}`,
      async () => expectTold(wrong, command, await prepare()),
      PATIENCE_MS,
    );

  const expectAllTold = (): void => {
    expect([...documented.keys()].toSorted()).toEqual([...told].toSorted());
  };
  return { documented, told, newFolder, expectTold, tells, alsoTells, expectAllTold };
}
