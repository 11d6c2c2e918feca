import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../../..');
const FOLDER = 'test/e2e';
const files = readdirSync(path.join(root, FOLDER)).filter((name) =>
  /^crash-points-.*\.test\.ts$/.test(name),
);

/** The points at which test/support/die-at.mjs kills. */
const POINT = /(?:[a-z-]+\/)+[a-z-]+ [A-Za-z.]+ (?:before|after)(?: \d+)?/.source;
const TOKEN = new RegExp(
  [
    /^(?<depth> *)describe\('(?<group>[^']+)'/,
    /^(?<indent> *)it(?:\.concurrent)?(?:\(\s*'(?<title>[^']+)'|\.each)/,
    new RegExp(`\\[\\s*(?:(?<number>\\d+),\\s*)?'(?<row>[^']+)',\\s*'(?<rowPoint>${POINT})'`),
    /\]\)\(\s*'(?<template>[^']+)'/,
    new RegExp(`'(?<point>${POINT})'`),
  ]
    .map(({ source }) => source)
    .join('|'),
  'gm',
);

/** The table's lines, by the sources of the tests. */
function linesOf(file: string): string[] {
  const source = readFileSync(path.join(root, FOLDER, file), 'utf8');
  const lines: string[] = [];
  let who = '';
  let group = '';
  let doing = '';
  let title = '';
  let rows: { row: string; number: string | undefined; point: string }[] = [];
  const add = (name: string, point: string): void => {
    lines.push(`| ${doing} | [${name}](../../${FOLDER}/${file}) | \`${point}\` |`);
  };
  for (const { groups = {} } of source.matchAll(TOKEN)) {
    const { row, rowPoint, template, point } = groups;
    if (groups.depth === '') who = groups.group!.replace(' killed with -9', '');
    else if (groups.group !== undefined) group = groups.group;
    else if (groups.indent !== undefined) {
      doing = groups.indent.length > 2 ? `${who}, ${group}` : who;
      title = groups.title ?? '';
    } else if (row !== undefined) rows.push({ row, number: groups.number, point: rowPoint! });
    else if (template !== undefined) {
      for (const each of rows) {
        add(template.replace('%d', each.number ?? '').replace('%s', each.row), each.point);
      }
      rows = [];
    } else add(title, point!);
  }
  // One of a shape that is not read here would be left out.
  expect(lines).toHaveLength(source.match(new RegExp(`'${POINT}'`, 'g'))!.length);
  return lines;
}

it('the table of crash points has them all, by their titles, and no other', () => {
  const table = readFileSync(path.join(root, 'docs/proof/crash-points.md'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(`](../../${FOLDER}/`))
    .map((line) => line.replaceAll(/ +\|/g, ' |'));
  expect(table).toEqual(files.flatMap(linesOf));
});
