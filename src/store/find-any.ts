import type { Model } from 'mongoose';
import type { LeftOut } from './paging';
import type { Store } from './store';
import { WITHOUT_COUNTED } from './webhook-record';

/** What searches by id leave out: what is large, and what is secret. */
const LEFT_OUT: Record<string, LeftOut> = {
  projects: { providerKeys: 0 },
  keys: { hash: 0 },
  webhooks: { secrets: 0, headers: 0, ...WITHOUT_COUNTED },
  events: { body: 0 },
  deliveries: { attempts: 0 },
  inbound: { payload: 0 },
};

type Repository =
  'projects' | 'keys' | 'webhooks' | 'events' | 'deliveries' | 'replays' | 'inbound' | 'audit';
type RecordOf<R extends Repository> = Store[R]['model'] extends Model<infer T> ? T : never;

/** The document with that id, in that project, or in any (null). */
export async function findAny<R extends Repository>(
  store: Store,
  repository: R,
  id: string,
  projectId: string | null,
): Promise<RecordOf<R> | null> {
  const { model } = store[repository] as unknown as { model: Model<object> };
  return model
    .findOne({ _id: id, ...(projectId !== null && { projectId }) }, LEFT_OUT[repository])
    .lean<RecordOf<R>>();
}
