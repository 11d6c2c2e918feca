import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** The files of a folder and below it, by their paths from the root. */
function filesIn(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(node_modules|dist)\//.test(file));
}

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'clients/typescript/README.md',
].concat(filesIn('docs').filter((file) => file.endsWith('.md')));

/** A document without its code, in which nothing is a link or a heading. */
const proseOf = (document: string): string =>
  read(document)
    .replaceAll(/^```.*?^```$/gms, '')
    .replaceAll(/`[^`\n]+`/g, (code) => code.replaceAll(/[[\]#]/g, ''));

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(document: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of proseOf(document).matchAll(/^#+ (.+)$/gm)) {
    const slug = heading!
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let number = 1; anchors.has(anchor); number++) anchor = `${slug}-${number}`;
    anchors.add(anchor);
  }
  return anchors;
}

it.each(documents)('every link of %s leads somewhere', (document) => {
  const broken = [...proseOf(document).matchAll(/\]\((?!https?:)([^)\s]*)\)/g)]
    .map(([, link]) => link!)
    .filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? document : path.join(path.dirname(document), file);
      if (!existsSync(path.join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    });
  expect(broken).toEqual([]);
});

it('the README leads to every document', () => {
  const reached = new Set(['README.md']);
  for (const document of reached) {
    for (const [, link] of proseOf(document).matchAll(/\]\((?!https?:)([^)#\s]+\.md)/g)) {
      reached.add(path.join(path.dirname(document), link!));
    }
  }
  expect(documents.filter((document) => !reached.has(document))).toEqual([]);
});

it.each(documents)('%s names no file that is not there', (document) => {
  const PLACES = 'src|activities|workflows|test|scripts|docs|chaos|clients|docker';
  const named = new RegExp(`\`((?:${PLACES})/[\\w./-]+)\``, 'g');
  const missing = [...read(document).matchAll(named)]
    .map(([, file]) => file!)
    .filter((file) => !existsSync(path.join(root, file)));
  expect(missing).toEqual([]);
});

/** The code and the settings that may cite documents. */
const code = ['.env.example', 'Dockerfile', 'docker-compose.yml', '.dockerignore'].concat(
  ['src', 'activities', 'workflows', 'scripts', 'test', 'bench', 'chaos', 'docker'].flatMap(
    filesIn,
  ),
);

it('code, settings and messages name no document that is not there', () => {
  const decisions = readdirSync(path.join(root, 'docs/adr'));
  const missing = code.flatMap((file) =>
    [...read(file).matchAll(/(?<![\w./-])docs\/(?:adr\/(\d{4})\b|[\w/-]+\.md)/g)]
      .filter(([named, decision]) =>
        decision === undefined
          ? !existsSync(path.join(root, named))
          : !decisions.some((name) => name.startsWith(decision)),
      )
      .map(([named]) => `${file}: ${named}`),
  );
  expect(missing).toEqual([]);
});

it('code cites sections of the contract that are there', () => {
  const sections = new Set(
    [...read('docs/contract.md').matchAll(/^##+ (\d(?:\.\d)?)\.? /gm)].map(([, number]) => number),
  );
  const cited = code.flatMap((file) =>
    [...read(file).matchAll(/docs\/contract\.md, ((?:(?:, | and )?\d(?:\.\d)?)+)/g)].flatMap(
      ([, numbers]) => numbers!.split(/, | and /).map((number) => ({ file, number })),
    ),
  );
  expect(cited.length).toBeGreaterThan(25);
  expect(cited.filter(({ number }) => !sections.has(number))).toEqual([]);
});
