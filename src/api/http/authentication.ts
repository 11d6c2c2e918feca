import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { clock } from '../../clock';
import type { KeyRecord } from '../../store/keys';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import type { Principal } from './auth';
import { ApiError, notFound, refusal } from './errors';
import type { FailedLookups } from './failed-lookups';
import { findProject, refersTo } from './references';

/** Whose rights a request has. */
export type Caller = 'admin' | { key: KeyRecord; project: ProjectRecord };

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Finds out who calls. */
export class Authentication {
  private readonly adminHash: Buffer;

  constructor(
    private readonly store: Store,
    adminKey: string,
    readonly failures: FailedLookups,
  ) {
    this.adminHash = sha256(adminKey);
  }

  /** @throws ApiError 401 for a key that is unknown or has expired, 429 after too many of them */
  async callerWith(req: Request, key: string): Promise<Caller> {
    const { store, failures } = this;
    await failures.check(req, key);
    if (timingSafeEqual(sha256(key), this.adminHash)) return 'admin';
    const record = await store.keys.findByKey(key);
    const project = record && (await findProject(store, record.projectId));
    if (!project) {
      await failures.count(req, key);
      throw refusal('unauthorized');
    }
    await failures.check(req, key);
    if (hasExpired(record)) throw new ApiError('unauthorized', 'this key has expired');
    return { key: record, project };
  }

  /** The same by the key's id, for something that was made with it; null: it is revoked or has expired. */
  async callerOf(keyId: string): Promise<Caller | null> {
    if (keyId === 'admin') return 'admin';
    const { store } = this;
    const key = await store.keys.get(keyId);
    if (!key || hasExpired(key)) return null;
    const project = await findProject(store, key.projectId);
    return project && { key, project };
  }

  /** With the project that the request names. */
  async principal(req: Request, caller: Caller): Promise<Principal> {
    const { store } = this;
    const asked = req.get('x-project-id');
    if (caller === 'admin') {
      const project = asked === undefined ? null : await findProject(store, asked);
      if (asked !== undefined && !project) throw notFound('the project of x-project-id');
      return { role: 'admin', keyId: 'admin', project, endsAt: null };
    }
    const { key, project } = caller;
    store.keys.touch(key, clock.now());
    if (asked !== undefined && !refersTo(asked, project)) {
      throw new ApiError('forbidden', 'this key belongs to a project other than x-project-id');
    }
    return { role: key.role, keyId: key._id, project, endsAt: key.expiresAt };
  }
}

const hasExpired = ({ expiresAt }: KeyRecord): boolean =>
  expiresAt !== null && expiresAt <= clock.now();
