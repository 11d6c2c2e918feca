import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { profiles } from '../../../src/profiles';

const docs = path.resolve(__dirname, '../../../docs/proof');
const text = readFileSync(path.join(docs, 'promises.md'), 'utf8');

interface Row {
  behaviour: string;
  proof: string;
}

const rows: Row[] = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (Behaviour |-)/.test(line))
  .map((line) => {
    const [, behaviour = '', ...proof] = line.split(/(?<!\\)\|/);
    return { behaviour: behaviour.trim(), proof: proof.join('|') };
  });

/** The links of a cell: the text is a test's title, Markdown's escapes taken out. */
function links({ proof }: Row): { title: string; file: string }[] {
  return [...proof.matchAll(/\[((?:\\.|[^\\\]])+)\]\(([^)]+)\)/g)].map(([, title, file]) => ({
    title: title!.replaceAll(/\\(.)/g, '$1'),
    file: path.join(docs, file!),
  }));
}

/** Whether a test's source has this title: the first argument of a test or group, or of a table's row. */
function hasTitle(file: string, title: string): boolean {
  const source = readFileSync(file, 'utf8').replaceAll("\\'", "'");
  return ["'", '"', '`'].some((quote) =>
    ['(', '[', ' '].some((before) => source.includes(`${before}${quote}${title}${quote},`)),
  );
}

describe('the table of promises', () => {
  it('has a part for each profile', () => {
    for (const name of profiles.keys()) expect(text).toContain(`\n## \`${name}\`\n`);
    expect(rows.length).toBeGreaterThan(100);
  });

  it.each(rows)('names tests that are there for: $behaviour', (row) => {
    const proofs = links(row);
    expect(proofs).not.toHaveLength(0);
    for (const { title, file } of proofs) {
      expect(file).toMatch(/[\\/]test[\\/].*\.test\.ts$/);
      expect([file, existsSync(file)]).toEqual([file, true]);
      expect([title, hasTitle(file, title)]).toEqual([title, true]);
    }
  });
});
