import * as fc from 'fast-check';
import { type Collection, MongoClient } from 'mongodb';
import { filterProblems } from '../../src/domain/filter-problems';
import { passesFilter, type PayloadFilter } from '../../src/domain/payload-filter';
import { randomDocument, randomFilter, randomPattern, randomText } from '../support/random-filters';
import { testServer } from '../support/stack';

/** The first one: each has other filters. */
const SEED = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
/** `FILTERS_SECONDS=600` for a long look at once. */
const SECONDS = Number(process.env.FILTERS_SECONDS ?? 12);
const DOCUMENTS = 250;
const FILTERS = 150;
/** However slow the machine is: of a single sample, too few may pass by chance. */
const ENOUGH = 1000;

let client: MongoClient;
let collection: Collection<{ _id: number }>;
beforeAll(async () => {
  client = await MongoClient.connect(testServer('MONGODB_URL'));
  collection = client.db(`filters${Date.now()}`).collection('documents');
});
afterAll(async () => {
  await client.db(collection.dbName).dropDatabase();
  await client.close();
});

const readable = (value: unknown): string =>
  JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'bigint' ? `${inner}n` : inner,
  );

/** Without an optimisation of PCRE that changes what patterns match: `\S*\v` finds no U+2028 at the end, which is both. */
function asMeant(filter: unknown): unknown {
  if (Array.isArray(filter)) return filter.map(asMeant);
  if (typeof filter !== 'object' || filter === null) return filter;
  const parts = Object.entries(filter).map(([name, part]) => [
    name,
    name === '$regex' ? `(*NO_AUTO_POSSESS)${part}` : asMeant(part),
  ]);
  return Object.fromEntries(parts);
}

/** The documents that MongoDB finds by a filter; null: it refuses the filter. */
async function found(filter: PayloadFilter): Promise<Set<number> | null> {
  try {
    const documents = await collection
      .find(asMeant(filter) as PayloadFilter, { projection: { _id: 1 } })
      .toArray();
    return new Set(documents.map(({ _id }) => _id));
  } catch (error) {
    // Patterns that RE2 takes and PCRE doesn't, such as `$+` and an unended `\Q`.
    expect((error as Error).message).toMatch(/^Regular expression is invalid/);
    return null;
  }
}

/** How many filters were compared, and how many of the answers were each way. */
async function compare(
  documents: fc.Arbitrary<object>,
  filters: fc.Arbitrary<PayloadFilter>,
  seconds: number,
): Promise<{ filters: number; passed: number; kept: number }> {
  const count = { filters: 0, passed: 0, kept: 0 };
  const until = Date.now() + seconds * 1000;
  for (let seed = SEED; Date.now() < until || count.filters <= ENOUGH; seed += 1) {
    const sample = fc.sample(documents, { seed, numRuns: DOCUMENTS });
    await collection.deleteMany({});
    await collection.insertMany(sample.map((document, _id) => ({ _id, ...document })));
    const accepted = fc
      .sample(filters, { seed, numRuns: FILTERS })
      .filter((filter) => filterProblems(filter).length === 0);
    await Promise.all(
      accepted.map(async (filter) => {
        const matching = await found(filter);
        if (!matching) return;
        count.filters += 1;
        for (const [n, document] of sample.entries()) {
          const passes = matching.has(n);
          count[passes ? 'passed' : 'kept'] += 1;
          if (passesFilter(filter, document) === passes) continue;
          throw new Error(
            `TEST_SEED=${seed}: to MongoDB, ${readable(filter)} is ${passes} of ${readable(document)}`,
          );
        }
      }),
    );
  }
  return count;
}

describe('a random filter judges random documents as MongoDB does', () => {
  it('by all operators', async () => {
    const { filters, passed, kept } = await compare(randomDocument, randomFilter, SECONDS);
    expect(filters).toBeGreaterThan(ENOUGH);
    // Neither way by chance: what never passes would prove nothing.
    expect(Math.min(passed, kept) / (passed + kept)).toBeGreaterThan(0.05);
  });

  it('by patterns', async () => {
    const texts = randomText.map((a) => ({ a }));
    const patterns = randomPattern.map((a) => ({ a }));
    const { filters, passed, kept } = await compare(texts, patterns, SECONDS / 3);
    expect(filters).toBeGreaterThan(ENOUGH);
    expect(Math.min(passed, kept) / (passed + kept)).toBeGreaterThan(0.05);
  });
});
