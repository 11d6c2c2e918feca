/*
 * Everything that the dashboard says, in one catalogue, an area a file: a translation replaces these files and
 * nothing else. Texts with figures are functions.
 */
import { app } from './texts/app';
import { audit } from './texts/audit';
import { common } from './texts/common';
import { deliveries } from './texts/deliveries';
import { events } from './texts/events';
import { eventTypes } from './texts/event-types';
import { keys } from './texts/keys';
import { overview } from './texts/overview';
import { portal } from './texts/portal';
import { problems } from './texts/problems';
import { replays } from './texts/replays';
import { settings } from './texts/settings';
import { webhooks } from './texts/webhooks';

export const texts = {
  app,
  audit,
  common,
  deliveries,
  events,
  eventTypes,
  keys,
  overview,
  portal,
  problems,
  replays,
  settings,
  webhooks,
};
