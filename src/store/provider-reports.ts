import { Schema, type ClientSession } from 'mongoose';
import { partsOf } from '../in-parts';
import { oneOf } from './one-of';
import { findPage, type Page, type PageRequest } from './paging';
import { ownedRepositoryOf } from './repository';

/** What became of a report: an event, or nothing, in which case it is only kept. */
export const REPORT_OUTCOMES = ['event', 'kept'] as const;
export type ReportOutcome = (typeof REPORT_OUTCOMES)[number];

/** What an e-mail provider reported, kept as it was received (docs/contract.md, 6.2). */
export interface InboundRecord {
  _id: string;
  projectId: string;
  provider: string;
  /** The provider's own id of the report; missing if it has none. */
  providerEventId?: string;
  /** What was signed, for this report alone; missing where the signature is the report's. */
  token?: string;
  /** What happened, in the provider's words; null if the report doesn't say. */
  type: string | null;
  /** The report as JSON text; `null` once its event's payload was expunged. */
  payload: string;
  /** Whether its signature was verified with the project's key for this provider. */
  verified: boolean;
  receivedAt: Date;
  /** The event that it became; null: none. */
  eventId: string | null;
  /** Why it became none. */
  reason?: string;
  expiresAt: Date;
}

const schema = new Schema<InboundRecord>({
  _id: String,
  projectId: { type: String, required: true },
  provider: { type: String, required: true },
  providerEventId: String,
  token: String,
  type: { type: String, default: null },
  payload: { type: String, required: true },
  verified: { type: Boolean, required: true },
  receivedAt: { type: Date, required: true },
  eventId: { type: String, default: null },
  reason: String,
  expiresAt: { type: Date, required: true },
});
const becameEvent = { eventId: { $type: 'string' } } as const;
const becameNone = { eventId: null };
// For lists, one per combination of filters. Named, because those of the outcomes have equal patterns.
for (const filters of [[], ['provider'], ['type'], ['provider', 'type']]) {
  const pattern = Object.fromEntries(filters.map((name) => [name, 1]));
  for (const [outcome, became] of [['event', becameEvent], ['kept', becameNone], []] as const) {
    schema.index(
      { projectId: 1, ...pattern, _id: -1 },
      became && {
        name: ['outcome', outcome, ...filters].join('_'),
        partialFilterExpression: became,
      },
    );
  }
}
// With the type: the test reports of providers' dashboards have one id for all types.
schema.index(
  { projectId: 1, provider: 1, providerEventId: 1, type: 1 },
  { unique: true, partialFilterExpression: { providerEventId: { $type: 'string' } } },
);
schema.index(
  { projectId: 1, token: 1 },
  { unique: true, partialFilterExpression: { token: { $type: 'string' } } },
);
schema.index({ eventId: 1 }, { partialFilterExpression: becameEvent });
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** Providers repeat a report until it is answered with 200, and occasionally even then. */
export class Inbound extends ownedRepositoryOf('Inbound', schema, 'inbound') {
  /**
   * Those of one request's reports that are not stored yet, without repetitions among them. A request with a token
   * that came before, with whatever report, has none.
   * @param reports of one project and provider
   */
  async onlyNew<T extends { record: InboundRecord }>(
    reports: readonly T[],
    session: ClientSession,
  ): Promise<T[]> {
    const [first] = reports;
    if (!first) return [];
    const { projectId, provider, token } = first.record;
    if (token !== undefined) {
      const used = { projectId, token: oneOf(token) };
      if (await this.model.exists(used).session(session)) return [];
    }
    const ids = reports.flatMap(({ record }) => record.providerEventId ?? []);
    if (ids.length === 0) return [...reports];
    const known = await this.model
      .find(
        { projectId, provider, providerEventId: oneOf(...ids) },
        { providerEventId: 1, type: 1 },
        { session },
      )
      .lean<Pick<InboundRecord, 'providerEventId' | 'type'>[]>();
    const keyOf = (record: Pick<InboundRecord, 'providerEventId' | 'type'>): string =>
      JSON.stringify([record.providerEventId, record.type]);
    const seen = new Set(known.map(keyOf));
    return reports.filter(({ record }) => {
      if (record.providerEventId === undefined) return true;
      const key = keyOf(record);
      return !seen.has(key) && seen.add(key);
    });
  }

  /** Without the payloads. */
  async list(
    projectId: string,
    { outcome, ...filter }: { provider?: string; type?: string; outcome?: ReportOutcome },
    page: PageRequest,
  ): Promise<Page<Omit<InboundRecord, 'payload'>>> {
    const became = outcome && (outcome === 'event' ? becameEvent : becameNone);
    const query = { projectId, ...filter, ...became };
    return findPage(this.model, 'report', query, page, { leftOut: { payload: 0 } });
  }

  async insertAll(records: readonly InboundRecord[], session: ClientSession): Promise<void> {
    // The driver's: everything in them is ours, and checked.
    for (const part of partsOf(records)) {
      await this.collection.insertMany(part, { ignoreUndefined: true, session });
    }
  }
}
