import { ID_PREFIXES, isId } from '../../contracts/ids';
import { findAny } from '../../store/find-any';
import type { ProjectRecord } from '../../store/projects';
import type { Store } from '../../store/store';
import { findProject, findWebhook } from '../http/references';
import type { Role } from '../http/auth';
import type { SearchResult } from '../schemas/search';
import { fromEvent, fromProject, fromWebhook } from './results';

/** Who searches where; without a project, in all of them. */
export interface Searcher {
  role: Role;
  project: ProjectRecord | null;
}

const ID = new RegExp(
  `(?<![A-Za-z0-9])(?:${Object.values(ID_PREFIXES).join('|')})_[0-9a-f]{32}(?![0-9A-Za-z])`,
  'g',
);
/** Ids in one text that are looked up. */
const MAX_IDS = 10;

/** The ids in a text, such as a path, a workflow's id or a line of a log. */
export function idsIn(text: string): string[] {
  return [...new Set(text.match(ID))].slice(0, MAX_IDS);
}

/** What has that id, if the searcher may see it. */
export async function findById(
  store: Store,
  id: string,
  searcher: Searcher,
): Promise<SearchResult | null> {
  const found = await lookUp(store, id, searcher);
  if (!found || found.kind === 'audit' || searcher.project || found.projectId === null)
    return found;
  // What is left of a deleted project is about to be deleted too.
  return (await findProject(store, found.projectId)) && found;
}

async function lookUp(
  store: Store,
  id: string,
  { role, project }: Searcher,
): Promise<SearchResult | null> {
  const projectId = project?._id ?? null;
  const common = { id, matched: 'id' } as const;
  if (isId('event', id)) {
    const event = await findAny(store, 'events', id, projectId);
    return event && fromEvent(event, 'id');
  }
  if (isId('delivery', id)) {
    const delivery = await findAny(store, 'deliveries', id, projectId);
    if (!delivery) return null;
    const webhook = await findAny(store, 'webhooks', delivery.webhookId, delivery.projectId);
    return {
      kind: 'delivery',
      ...common,
      projectId: delivery.projectId,
      title: `${delivery.eventType} to ${webhook?.name ?? 'a deleted webhook'}`,
      path: `/v1/deliveries/${id}`,
      status: delivery.status,
      createdAt: delivery.createdAt,
    };
  }
  if (isId('webhook', id)) {
    const webhook = await findAny(store, 'webhooks', id, projectId);
    return webhook && fromWebhook(webhook, 'id');
  }
  if (isId('replay', id)) {
    const replay = await findAny(store, 'replays', id, projectId);
    return (
      replay && {
        kind: 'replay',
        ...common,
        projectId: replay.projectId,
        title: `bulk replay (${replay.matched} matched)`,
        path: `/v1/replays/${id}`,
        status: replay.status,
        createdAt: replay.createdAt,
      }
    );
  }
  // As in their lists (portal-rights.ts).
  const isPortal = role === 'portal:read' || role === 'portal:manage';
  if (isId('report', id) && !isPortal) {
    const report = await findAny(store, 'inbound', id, projectId);
    return (
      report && {
        kind: 'report',
        ...common,
        projectId: report.projectId,
        title: [report.provider, report.type ?? ''].join(' ').trim(),
        path: `/v1/reports/${id}`,
        createdAt: report.receivedAt,
      }
    );
  }
  if (isId('audit', id) && !isPortal) {
    const entry = await findAny(store, 'audit', id, projectId);
    return (
      entry && {
        kind: 'audit',
        ...common,
        projectId: entry.projectId,
        title: [entry.action, entry.target ?? ''].join(' ').trim(),
        path: `/v1/audit${entry.target === null ? '' : `?target=${encodeURIComponent(entry.target)}`}`,
        createdAt: entry.time,
      }
    );
  }
  if (isId('key', id) && (role === 'admin' || role === 'owner')) {
    const key = await findAny(store, 'keys', id, projectId);
    return (
      key && {
        kind: 'key',
        ...common,
        projectId: key.projectId,
        title: `${key.name} (${key.role})`,
        path: `/v1/projects/${key.projectId}/keys`,
        createdAt: key.createdAt,
      }
    );
  }
  if (isId('project', id) && role === 'admin' && (projectId === null || projectId === id)) {
    const found = await store.projects.get(id);
    return found && fromProject(found, 'id');
  }
  return null;
}

/** What has that external id: a webhook of the project; for the admin, a project. */
export async function findByExternalId(
  store: Store,
  reference: string,
  { role, project }: Searcher,
): Promise<SearchResult[]> {
  const results: SearchResult[] = [];
  const found = role === 'admin' ? await findProject(store, reference) : null;
  if (found && (!project || project._id === found._id)) {
    results.push(fromProject(found, 'externalId'));
  }
  const webhook = project && (await findWebhook(store, project, reference));
  if (webhook) results.push(fromWebhook(webhook, 'externalId'));
  return results;
}
