import { readFileSync } from 'node:fs';
import path from 'node:path';
import { deliverySchema } from '../../../src/api/schemas/delivery';
import { webhookSchema } from '../../../src/api/schemas/webhook';
import { ATTEMPT_ERROR_CODES, DELIVERY_STATUSES } from '../../../src/contracts/delivery';
import { OPERATIONAL_TYPES } from '../../../src/contracts/operational';
import { SEARCH_ATTRIBUTES, WORKFLOWS } from '../../../src/contracts/temporal';
import { profiles } from '../../../src/profiles';

const docs = path.resolve(__dirname, '../../../docs');
const read = (file: string): string => readFileSync(path.join(docs, file), 'utf8');

/** A section, from its heading to the next one. */
function sectionOf(file: string, heading: string): string {
  const sections = read(file).split(/^##+ /m);
  return sections.find((section) => section.startsWith(`${heading}\n`))!;
}

/** The text in code marks. */
const coded = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

const UNITS_MS: Record<string, number> = { s: 1000, min: 60_000, h: 3_600_000 };

/** `30 s, 2, 10 min` in milliseconds: a unit is that of all numbers before it. */
function milliseconds(text: string): number[] {
  return [...text.matchAll(/([\d, ]+)(s|min|h)/g)].flatMap(([, numbers, unit]) =>
    numbers!
      .split(',')
      .filter((number) => number.trim() !== '')
      .map((number) => Number(number) * UNITS_MS[unit!]!),
  );
}

describe.each([
  ['contract.md', '1.1 The five profiles'],
  ['guide-webhooks.md', 'Profiles'],
])('the table of profiles in docs/%s', (file, heading) => {
  const [head, , ...rows] = sectionOf(file, heading)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const names = head!.slice(1).map((cell) => /`(\w+)`/.exec(cell)![1]!);
  /** The first row whose label begins so, by profile. */
  const row = (label: string): Record<string, string> => {
    const [, ...cells] = rows.find(([first]) => first!.startsWith(label))!;
    return Object.fromEntries(cells.map((cell, column) => [names[column]!, cell]));
  };

  it('has all of them', () => {
    expect(names.toSorted()).toEqual([...profiles.keys()].toSorted());
  });

  it.each([...profiles.values()])('has the figures of $name', (profile) => {
    const { name, envelope, signing, policy, maxWebhooks } = profile;
    expect(row('envelope')[name]).toBe(`\`{${Object.keys(envelope).join(', ')}}\``);
    expect(coded(row('sign')[name]!)[0]).toBe(signing[0]);
    expect(milliseconds(row('attempt timeout')[name]!)).toEqual([policy.timeoutMs]);
    expect(milliseconds(row('retry delays')[name]!)).toEqual(policy.retryDelaysMs);
    expect(Number.parseInt(row('webhooks')[name]!, 10)).toBe(maxWebhooks);
    const threshold = Number.parseInt(row('disabled')[name]!, 10);
    expect(Number.isNaN(threshold) ? null : threshold).toBe(policy.autoDisableAfter);
  });
});

describe('docs/contract.md', () => {
  it.each([...profiles.values()].filter(({ events }) => events.length > 0))(
    'lists the event types of $name, in their order',
    ({ name, events }) => {
      const types = events.map(({ type }) => type);
      const section = read('contract.md')
        .split(/^### /m)
        .find((one) => one.split('\n')[0]!.endsWith(`\`${name}\``))!;
      const listed = coded(section).filter((code) => types.includes(code));
      expect([...new Set(listed)]).toEqual(types);
    },
  );

  it('names the fields of webhooks, deliveries and attempts', () => {
    const fieldsIn = (heading: string): string[] =>
      coded(sectionOf('contract.md', heading).split('\n\n')[1]!).map((code) =>
        code.replace(/\?$| \{.*\}$/, ''),
      );
    for (const [heading, schema] of [
      ['4.1 Webhooks', webhookSchema],
      ['4.2 Deliveries', deliverySchema],
      ['4.3 Attempts', deliverySchema.shape.attempts.element],
    ] as const) {
      expect(fieldsIn(heading)).toEqual(expect.arrayContaining(Object.keys(schema.shape)));
    }
    expect(fieldsIn('4.2 Deliveries')).toEqual(expect.arrayContaining([...DELIVERY_STATUSES]));
    expect(fieldsIn('4.3 Attempts')).toEqual(expect.arrayContaining([...ATTEMPT_ERROR_CODES]));
  });

  it('names the operational events, workflows and search attributes', () => {
    expect(coded(sectionOf('contract.md', '2.1 All profiles'))).toEqual(
      expect.arrayContaining([...OPERATIONAL_TYPES]),
    );
    expect(coded(sectionOf('contract.md', '7.2 Workflows and queues'))).toEqual(
      expect.arrayContaining(Object.values(WORKFLOWS)),
    );
    expect(coded(sectionOf('contract.md', '7.3 Search attributes')).toSorted()).toEqual(
      Object.values(SEARCH_ATTRIBUTES)
        .map(({ name }) => name)
        .toSorted(),
    );
  });
});
