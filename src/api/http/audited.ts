import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { isId } from '../../contracts/ids';
import { newAuditId, type Audit, type AuditAction, type AuditRecord } from '../../store/audit';
import { principalOf } from './auth';

/** Parts of the path may be anything until the handler has checked them. */
const MAX_TARGET_LENGTH = 200;

/** What `audited` needs; at `app.locals.auditTrail`. */
export interface AuditTrail {
  audit: Audit;
  log: Logger;
  /** How long entries are kept. */
  retentionDays: number;
}

/** Marks a request of a changing route that found nothing to change. */
export function nothingChanged(res: Response): void {
  res.locals.nothingChanged = true;
}

/** The ids in an answer. */
interface Made {
  id: string | null;
  target: string | null;
}

export type AuditedHandler = RequestHandler & { auditAction: AuditAction };

/**
 * Records what the handlers after it do; comes after the check of the role. Every route that changes
 * something has one: a test finds those that haven't.
 *
 * The entry is written as `unknown` before the change, and completed before the answer is sent, so that no
 * change goes unrecorded after a crash. A refusal (4xx) changed nothing and removes it; after a 5xx it stays
 * `unknown`. One transaction with the change would be exact, but each handler would have to carry it, even
 * through calls to Temporal.
 *
 * @param param the parts of the path that name the target; default: the answer's id
 * @param when whether this request is about to change anything
 * @param madeIn the position of that id in the answer
 */
export function audited(
  action: AuditAction,
  param: string | readonly string[] = 'id',
  when: (req: Request) => boolean = () => true,
  madeIn = 'id',
): AuditedHandler {
  const handler: RequestHandler = async (req, res, next) => {
    // HEAD is answered by a handler of GET, and shows nothing.
    if (req.method === 'HEAD' || !when(req)) {
      next();
      return;
    }
    const trail = req.app.locals.auditTrail as AuditTrail;
    const named = [param].flat().flatMap((part) => req.params[part] ?? []);
    const target = named.length > 0 ? named.join('/').slice(0, MAX_TARGET_LENGTH) : null;
    const { keyId, role } = principalOf(res);
    const entry: AuditRecord = {
      ...newAuditId(trail.retentionDays),
      projectId: projectIdOf(req, res, target),
      action,
      target,
      key: keyId,
      role,
      changedFields: [],
      requestId: req.id as string,
      outcome: 'unknown',
    };
    await trail.audit.insert(entry);
    const json = res.json.bind(res);
    const send = res.send.bind(res);
    let made: Made = { id: null, target: null };
    res.json = (body: unknown) => {
      made = { id: idIn(body, 'id'), target: idIn(body, madeIn) };
      // Throws where there is no room for the answer; then what is sent in its place is recorded.
      return json(body);
    };
    const recordAndSend = async (text: unknown): Promise<void> => {
      try {
        await settle(trail, entry, req, res, made);
        send(text);
      } catch (error) {
        next(error);
      }
    };
    res.send = (text: unknown) => {
      void recordAndSend(text);
      return res;
    };
    next();
  };
  return Object.assign(handler, { auditAction: action });
}

/** Completes the entry, or removes it; it never rejects, since the change is made already. */
async function settle(
  { audit, log }: AuditTrail,
  entry: AuditRecord,
  req: Request,
  res: Response,
  made: Made,
): Promise<void> {
  try {
    if (res.statusCode >= 500) return;
    if (res.statusCode >= 400 || res.locals.nothingChanged === true) {
      await audit.remove(entry._id);
      return;
    }
    await audit.complete(entry._id, {
      target: entry.target ?? made.target,
      projectId: projectIdOf(req, res, entry.target ?? made.id),
      changedFields: Object.keys((req.body as object | undefined) ?? {}),
    });
  } catch (error) {
    log.error({ err: error, auditId: entry._id }, 'audit entry stays unknown');
  }
}

/** The project that is changed; the admin may name another one by `x-project-id`. */
function projectIdOf(req: Request, res: Response, target: string | null): string | null {
  const { projectId } = req.params;
  if (typeof projectId === 'string') return projectId.slice(0, MAX_TARGET_LENGTH);
  if (target !== null && isId('project', target)) return target;
  return principalOf(res).project?._id ?? null;
}

/** The id of `{data: {id}}`, or of a platform route's `{id}`. */
function idIn(body: unknown, name: string): string | null {
  const { data, ...rest } = body as { data?: Record<string, unknown> } & Record<string, unknown>;
  const found = data?.[name] ?? rest[name];
  return typeof found === 'string' ? found : null;
}
