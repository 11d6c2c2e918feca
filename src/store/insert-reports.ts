import { isDuplicateKey } from './errors';
import type { EventRecord } from './event-record';
import type { NewEvent } from './new-event';
import type { InboundRecord } from './provider-reports';
import type { Store } from './store';

/** How often equal reports are looked up again after another request has stored one of them. */
const TRIES = 5;

/** What a provider reported, and the event that it became, where it became one. */
export interface NewReport {
  record: InboundRecord;
  event: NewEvent | null;
}

/**
 * Stores what a provider reported in one request, with the events that it became: all of it or
 * nothing, so that no report is known whose event is lost. Reports stored before are left out.
 * @returns the events, now safe
 */
export async function insertReports(
  store: Store,
  reports: readonly NewReport[],
): Promise<EventRecord[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await store.transaction(async (session) => {
        const fresh = await store.inbound.onlyNew(reports, session);
        if (fresh.length === 0) return [];
        await store.inbound.insertAll(
          fresh.map(({ record }) => record),
          session,
        );
        return store.events.insertAll(
          fresh.flatMap(({ event }) => event ?? []),
          session,
        );
      });
    } catch (error) {
      // The same report came in twice at once: the other request stored it, so it is known now.
      if (!isDuplicateKey(error) || tries === TRIES) throw error;
    }
  }
}
