import { isDuplicateKey } from './errors';
import type { EventRecord } from './event-record';
import type { NewEvent } from './new-event';
import type { InboundRecord } from './provider-reports';
import type { Store } from './store';

/** Attempts in total when other requests store the same reports at the same time. */
const TRIES = 5;

/** What a provider reported, and the event that it became, if any. */
export interface NewReport {
  record: InboundRecord;
  event: NewEvent | null;
}

/**
 * Stores what a provider reported in one request, with the events that it became, all or none: so no report
 * is known whose event is lost. Reports that are stored already are left out.
 * @returns the stored events
 */
export async function insertReports(
  store: Store,
  reports: readonly NewReport[],
): Promise<EventRecord[]> {
  const ids = reports.flatMap(({ event }) => event?._id ?? []);
  for (let tries = 1; ; tries += 1) {
    try {
      return await store.transaction(async (session) => {
        const fresh = await store.inbound.onlyNew(reports, session);
        if (fresh.length === 0) return [];
        const records = fresh.map(({ record }) => record);
        await store.inbound.insertAll(records, session);
        const events = fresh.flatMap(({ event }) => event ?? []);
        return store.events.insertAll(events, session);
      }, ids);
    } catch (error) {
      // The same report arrived twice at once: the other request has stored it, so now it is known.
      if (!isDuplicateKey(error) || tries === TRIES) throw error;
    }
  }
}
