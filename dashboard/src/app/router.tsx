import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { PORTAL_PROJECT } from '../portal-project';
import { texts } from '../texts';
import { LinkButton } from '../ui/button';
import { EmptyState } from '../ui/layout';
import { Loading } from '../ui/query-state';
import { Crashed } from './error-boundary';
import { Shell } from './shell';

const root = createRootRoute({ component: Shell });

type Load = () => Promise<Record<string, React.ComponentType>>;
const loads: Load[] = [];

const at = <const Path extends string>(path: Path, load: Load, name: string) => {
  loads.push(load);
  return createRoute({
    getParentRoute: () => root,
    path,
    // Filters: texts, whose meaning the page knows (`useFilters`).
    validateSearch: (search: Record<string, unknown>) => search as Record<string, string>,
    component: lazyRouteComponent(load, name),
  });
};

/** Each page is a file, and loaded when it is first visited, or afterwards. These are the portal's as well. */
const shared = [
  at('/', () => import('../pages/overview/page'), 'OverviewPage'),
  at('/webhooks', () => import('../pages/webhooks/page'), 'WebhooksPage'),
  at('/webhooks/new', () => import('../pages/webhook-new/page'), 'NewWebhookPage'),
  at('/webhooks/$webhookId', () => import('../pages/webhook/page'), 'WebhookPage'),
  at('/webhooks/$webhookId/edit', () => import('../pages/webhook-edit/page'), 'EditWebhookPage'),
  at('/deliveries', () => import('../pages/deliveries/page'), 'DeliveriesPage'),
  at('/deliveries/$deliveryId', () => import('../pages/delivery/page'), 'DeliveryPage'),
  at('/events', () => import('../pages/events/page'), 'EventsPage'),
  at('/events/$eventId', () => import('../pages/event/page'), 'EventPage'),
  at('/event-types', () => import('../pages/event-types/page'), 'EventTypesPage'),
  at('/event-types/new', () => import('../pages/event-type-edit/page'), 'EditEventTypePage'),
  at('/event-types/$type', () => import('../pages/event-type/page'), 'EventTypePage'),
  at('/event-types/$type/edit', () => import('../pages/event-type-edit/page'), 'EditEventTypePage'),
  at('/replays', () => import('../pages/replays/page'), 'ReplaysPage'),
  at('/replays/new', () => import('../pages/replay-new/page'), 'NewReplayPage'),
  at('/replays/$replayId', () => import('../pages/replay/page'), 'ReplayPage'),
];

const platforms = [
  at('/keys', () => import('../pages/keys/page'), 'KeysPage'),
  at('/audit', () => import('../pages/audit/page'), 'AuditPage'),
  at('/settings', () => import('../pages/settings/page'), 'SettingsPage'),
];

const routeTree = root.addChildren(PORTAL_PROJECT === null ? [...shared, ...platforms] : shared);

const words = texts.app.notFound;

export const router = createRouter({
  routeTree,
  // After the `#`: the same files work below any path, and what is searched for stays out of servers' logs.
  history: createHashHistory(),
  // Plain texts: `?status=failed,skipped&statusCode=5xx`.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search: Record<string, unknown>) => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return given.length > 0 ? `?${text}` : '';
  },
  defaultPreload: 'intent',
  defaultPendingComponent: Loading,
  defaultErrorComponent: Crashed,
  defaultNotFoundComponent: () => (
    <EmptyState
      isPage
      icon="info"
      title={words.title}
      actions={<LinkButton to="/">{words.back}</LinkButton>}
    >
      {words.advice}
    </EmptyState>
  ),
  scrollRestoration: true,
});

const AFTER_FIRST_MS = 1_000;

// Then the others too: who looks for the cause of an outage may not be able to load them any more.
const stop = router.subscribe('onRendered', () => {
  stop();
  setTimeout(() => {
    for (const load of loads) load().catch(() => undefined);
  }, AFTER_FIRST_MS);
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
