import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../../..');
/** Whose folders the tree shows. */
const SHOWN = ['src', 'src/api', 'workflows', 'activities', 'test'];

/** The folders of the tree in CONTRIBUTING, each with its description. */
function drawn(): Map<string, string> {
  const [, tree] = readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8').match(
    /## Where things go\n\n```text\n([^]*?)```/,
  )!;
  const folders = new Map<string, string>();
  const above: string[] = [];
  for (const [, indent, name, description] of tree!.matchAll(/^( *)([\w-]+)\/ *(.*)$/gm)) {
    above.splice(indent!.length / 2, Infinity, name!);
    folders.set(above.join('/'), description!);
  }
  return folders;
}

const foldersIn = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${folder}/${name}`);

it('CONTRIBUTING draws each folder, and no other, with a line on what is in it', () => {
  const tree = drawn();
  const real = [...SHOWN.filter((name) => !name.includes('/')), ...SHOWN.flatMap(foldersIn)];
  expect([...tree.keys()].toSorted()).toEqual(real.toSorted());
  for (const [folder, description] of tree) {
    if (folder !== 'src' && folder !== 'test') expect([folder, description]).not.toContain('');
  }
});
