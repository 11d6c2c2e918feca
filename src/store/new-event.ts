import { newId, timeOf } from '../contracts/ids';
import type { Payload } from '../domain/json-text';
import { getProfile, writeEnvelope } from '../profiles';
import type { EventRecord } from './event-record';
import type { ProjectRecord } from './projects';
import { expiryOf } from './retention';

export type NewEvent = Omit<EventRecord, 'fannedOutAt' | 'expungedAt'> & { body: string };

/**
 * A newly accepted event, in its project's envelope: the only place where a body is serialised.
 * @param createdAt when it happened, ISO 8601 with a zone, which is sent as given; by default, now
 * @param isExpress whether its project's courier drives it
 */
export function newEvent(
  project: ProjectRecord,
  { type, data, createdAt }: { type: string; data: Pick<Payload, 'text'>; createdAt?: string },
  retentionDays: number,
  isExpress = false,
): NewEvent {
  const _id = newId('event');
  // Lists select a range of time by ids.
  const acceptedAt = timeOf(_id);
  return {
    _id,
    projectId: project._id,
    type,
    createdAt: createdAt === undefined ? acceptedAt : new Date(createdAt),
    acceptedAt,
    body: writeEnvelope(getProfile(project.profile), {
      workspace: workspaceOf(project),
      type,
      createdAt: createdAt ?? acceptedAt.toISOString(),
      data: data.text,
    }),
    ...(isExpress && { isExpress }),
    expiresAt: expiryOf(project, acceptedAt, retentionDays),
  };
}

const BEFORE_DATA = ',"data":';

/** The text of `data` in an event's body: the envelope's last member; everything before it is ours. */
export function dataText(body: string): string {
  return body.slice(body.indexOf(BEFORE_DATA) + BEFORE_DATA.length, -1);
}

/** The name of the project in its events: the caller's own id for it, or else ours. */
export const workspaceOf = ({ _id, externalId }: ProjectRecord): string => externalId ?? _id;
