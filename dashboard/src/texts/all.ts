import { app } from './app';
import { audit } from './audit';
import { common } from './common';
import { deliveries } from './deliveries';
import { events } from './events';
import { eventTypes } from './event-types';
import { keys } from './keys';
import { overview } from './overview';
import { portal } from './portal';
import { problems } from './problems';
import { replays } from './replays';
import { settings } from './settings';
import { webhooks } from './webhooks';

export const all = {
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
