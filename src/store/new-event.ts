import { newId } from '../contracts/ids';
import { getProfile } from '../profiles';
import type { EventRecord } from './events';
import type { ProjectRecord } from './projects';
import { expiryOf } from './retention';

/** An event as it is going to be stored. */
export type NewEvent = Omit<EventRecord, 'fannedOutAt' | 'expungedAt'> & { body: string };

/**
 * An event accepted now, in its project's envelope: the only place where a body is serialised.
 * @param createdAt when it happened; now, unless told
 */
export function newEvent(
  project: ProjectRecord,
  { type, data, createdAt }: { type: string; data: Record<string, unknown>; createdAt?: Date },
  retentionDays: number,
): NewEvent {
  const acceptedAt = new Date();
  const happenedAt = createdAt ?? acceptedAt;
  const { envelope } = getProfile(project.profile);
  return {
    _id: newId('event'),
    projectId: project._id,
    type,
    createdAt: happenedAt,
    acceptedAt,
    body: JSON.stringify(
      envelope({ projectId: project._id, type, createdAt: happenedAt.toISOString(), data }),
    ),
    expiresAt: expiryOf(project, acceptedAt, retentionDays),
  };
}
