import { z } from 'zod';
import { columnsOf, csvRow, headerRow, rowOf } from '../../../src/api/exports/csv';
import { verbatim } from '../../../src/api/http/answers';

const columns = columnsOf(
  z.object({
    id: z.string(),
    time: z.date().nullable(),
    last: z.object({ code: z.number().optional(), ok: z.boolean() }).nullable(),
    data: z.record(z.string(), z.unknown()).nullable().optional(),
  }),
);

describe('an export’s columns', () => {
  it('are the fields, and those within fields', () => {
    expect(headerRow(columns)).toBe('id,time,last.code,last.ok,data\r\n');
    const time = new Date('2026-10-01T09:30:00.000Z');
    const data = verbatim('{"a": 1.0}');
    expect(rowOf(columns, { id: 'a', time, last: { code: 503, ok: false }, data })).toBe(
      'a,2026-10-01T09:30:00.000Z,503,false,"{""a"": 1.0}"\r\n',
    );
  });

  it('are empty where there is nothing', () => {
    expect(rowOf(columns, { id: 'a', time: null, last: null, data: null })).toBe('a,,,,\r\n');
    expect(rowOf(columns, { id: 'a', time: null, last: { ok: true } })).toBe('a,,,true,\r\n');
  });
});

describe('a cell', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['two\r\nlines', '"two\r\nlines"'],
    [' around ', '" around "'],
    ['grüße 世', 'grüße 世'],
    ['{"a":1}', '"{""a"":1}"'],
  ])('%j is written so that it is read as it was', (text, written) => {
    expect(csvRow([text])).toBe(`${written}\r\n`);
  });

  it.each([
    '=1+1',
    '=HYPERLINK("https://evil.example","x")',
    '+1',
    '-1',
    '@SUM(A1)',
    ' =1',
    '\t=1',
    '\t1',
    '\r1',
    '\n1',
    '\n=1',
    '\u00a0=1',
    '＝1',
    '＋1',
    '－1',
    '＠A',
  ])('%j is no formula', (text) => {
    const [, cell] = /^"?([^]*?)"?\r\n$/.exec(csvRow([text]))!;
    expect(cell!.replaceAll('""', '"')).toBe(`'${text}`);
  });

  it('of JSON has no semicolon, at which some spreadsheets begin another, and the same value', () => {
    const data = { name: ';=1+1;' };
    const [, cell] = /^"([^]*)"\r\n$/.exec(csvRow([data]))!;
    const text = cell!.replaceAll('""', '"');
    expect(text).not.toContain(';');
    expect(JSON.parse(text)).toEqual(data);
  });

  it('that is a number stays one', () => {
    expect(csvRow([-1, 0, 1.5, true])).toBe('-1,0,1.5,true\r\n');
  });
});
