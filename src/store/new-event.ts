import { newId } from '../contracts/ids';
import type { Payload } from '../domain/json-text';
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
  { type, data, createdAt }: { type: string; data: Payload; createdAt?: Date },
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
    body: serialise(
      envelope({
        projectId: project._id,
        type,
        createdAt: happenedAt.toISOString(),
        data: data.value,
      }),
      data,
    ),
    expiresAt: expiryOf(project, acceptedAt, retentionDays),
  };
}

/** An envelope as JSON, in it `data` as its caller wrote it. */
function serialise(envelope: Record<string, unknown>, data: Payload): string {
  const members = Object.entries(envelope).map(([name, part]) => {
    const text = part === data.value ? data.text : JSON.stringify(part);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${members.join(',')}}`;
}

const BEFORE_DATA = ',"data":';

/** The text of `data` in an event's body: an envelope's last member, in what is otherwise ours. */
export function dataText(body: string): string {
  return body.slice(body.indexOf(BEFORE_DATA) + BEFORE_DATA.length, -1);
}
