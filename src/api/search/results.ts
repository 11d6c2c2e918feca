import type { EventRecord } from '../../store/event-record';
import type { ProjectRecord } from '../../store/projects';
import type { WebhookRecord } from '../../store/webhook-record';
import type { SearchResult } from '../schemas/search';

/* What was found, as it is shown. */

type Matched = SearchResult['matched'];

export function fromEvent(
  {
    _id,
    projectId,
    type,
    acceptedAt,
  }: Pick<EventRecord, '_id' | 'projectId' | 'type' | 'acceptedAt'>,
  matched: Matched,
): SearchResult {
  const path = `/v1/events/${_id}`;
  return { kind: 'event', id: _id, projectId, title: type, path, matched, createdAt: acceptedAt };
}

export function fromWebhook(
  webhook: Pick<
    WebhookRecord,
    '_id' | 'projectId' | 'name' | 'url' | 'isActive' | 'isPaused' | 'createdAt'
  >,
  matched: Matched,
): SearchResult {
  return {
    kind: 'webhook',
    id: webhook._id,
    projectId: webhook.projectId,
    title: webhook.name,
    url: webhook.url,
    path: `/v1/webhooks/${webhook._id}`,
    matched,
    status: !webhook.isActive ? 'disabled' : webhook.isPaused ? 'paused' : 'active',
    createdAt: webhook.createdAt,
  };
}

export function fromProject(
  { _id, name, createdAt }: Pick<ProjectRecord, '_id' | 'name' | 'createdAt'>,
  matched: Matched,
): SearchResult {
  const path = `/v1/projects/${_id}`;
  return { kind: 'project', id: _id, projectId: _id, title: name, path, matched, createdAt };
}
