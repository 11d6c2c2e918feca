import { PORTAL_PROJECT } from '../portal-project';
import { texts } from '../texts';
import type { IconName } from '../ui/icon';

const { nav, navGroup } = texts.app;

export interface NavItem {
  to: string;
  label: string;
  icon: IconName;
  /** After `g`. */
  key: string;
  /** Not in the portal. */
  isPlatforms?: true;
}

const ALL: readonly { label: string | null; items: readonly NavItem[] }[] = [
  {
    label: null,
    items: [{ to: '/', label: nav.overview, icon: 'overview', key: 'o' }],
  },
  {
    label: navGroup.delivery,
    items: [
      { to: '/webhooks', label: nav.webhooks, icon: 'webhook', key: 'w' },
      { to: '/deliveries', label: nav.deliveries, icon: 'delivery', key: 'd' },
      { to: '/events', label: nav.events, icon: 'event', key: 'e' },
      { to: '/event-types', label: nav.eventTypes, icon: 'type', key: 't' },
      { to: '/replays', label: nav.replays, icon: 'replay', key: 'r' },
    ],
  },
  {
    label: navGroup.project,
    items: [
      { to: '/keys', label: nav.keys, icon: 'key', key: 'k', isPlatforms: true },
      { to: '/audit', label: nav.audit, icon: 'audit', key: 'a', isPlatforms: true },
      { to: '/settings', label: nav.settings, icon: 'settings', key: 's', isPlatforms: true },
    ],
  },
];

/** The pages that the navigation leads to, in its order. */
export const NAVIGATION = ALL.map(({ label, items }) => ({
  label,
  items: items.filter(({ isPlatforms }) => PORTAL_PROJECT === null || !isPlatforms),
})).filter(({ items }) => items.length > 0);

export const NAV_ITEMS: readonly NavItem[] = NAVIGATION.flatMap(({ items }) => items);
