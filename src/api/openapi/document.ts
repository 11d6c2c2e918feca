import { z } from 'zod';
import { createDocument } from 'zod-openapi';
import { profiles } from '../../profiles';
import { VERSION } from '../../version';
import { cookieName } from '../http/browser-sessions';
import { deliveriesOf, eventWebhooks } from './event-webhooks';
import { finish } from './finish';
import { catalogPaths } from './paths/catalogs';
import { deliveryPaths } from './paths/deliveries';
import { eventPaths } from './paths/events';
import { platformPaths } from './paths/platform';
import { portalPaths } from './paths/portal';
import { projectPaths } from './paths/projects';
import { searchPaths } from './paths/search';
import { servicePaths } from './paths/service';
import { sessionPaths } from './paths/sessions';
import { streamPaths } from './paths/stream';
import { webhookPaths } from './paths/webhooks';

const DESCRIPTION = `Posthorn delivers events to webhooks: signed, retried, logged and replayable.

- Answers are \`{"success":true,"data":…}\`, refusals \`{"success":false,"error":{"code","message","details","requestId"}}\`.
- Lists are newest first unless stated otherwise, one page at a time: \`?limit\` (1–100, default 25) and \`?cursor\`, the \`nextCursor\` of the previous page.
- Unknown fields of a body and, under \`/v1\`, unknown query parameters are refused (422), as are methods that a path doesn't support (405, with \`Allow\`).
- Any path may refuse a malformed request in the same form: 400 if it is not HTTP/1.1, 408 if it takes longer than 30 seconds, 417 for an unknown \`Expect\`, 431 for an address and headers of more than 16 KiB.
- Under \`webhooks\` are the events of every profile as they arrive. [docs/guide-verify.md](docs/guide-verify.md) explains how to verify their signatures.
- [docs/guide-tenants.md](docs/guide-tenants.md) is about projects, your own ids for them, and catalogues; [docs/guide-webhooks.md](docs/guide-webhooks.md) is about profiles, subscriptions, filters and policies, [docs/guide-platform.md](docs/guide-platform.md) about the profile \`platform\`.`;

const profilesWithEvents = [...profiles.values()].filter(({ events }) => events.length > 0);
const TAGS = [
  { name: 'Projects', description: 'Your customers or environments, and their keys.' },
  { name: 'Catalogs', description: 'Event types that projects share.' },
  { name: 'Webhooks', description: 'Where events are sent, how they are signed, and when.' },
  { name: 'Events', description: 'What happened: posted once, delivered to each webhook.' },
  { name: 'Deliveries', description: 'One event to one webhook, attempt by attempt.' },
  { name: 'Replays', description: 'Replaying many deliveries.' },
  { name: 'Insight', description: 'Statistics, and who did what.' },
  {
    name: 'Platform',
    description: 'The routes of the profile `platform`, and providers’ reports.',
  },
  { name: 'Portal', description: 'Your customers’ access to their own webhooks.' },
  { name: 'Sessions', description: 'Signing in to the dashboard.' },
  { name: 'Service', description: 'The process itself.' },
  ...profilesWithEvents.map(({ name: profile }) => ({
    name: deliveriesOf(profile),
    description: `Events of the profile \`${profile}\` as they arrive.`,
  })),
];

let made: ReturnType<typeof createDocument> | undefined;

/** The OpenAPI document, generated from the schemas with which the routes check requests. */
export function openApiDocument(): ReturnType<typeof createDocument> {
  if (made) return made;
  made = createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Posthorn',
        version: VERSION,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: TAGS,
      paths: {
        ...projectPaths,
        ...catalogPaths,
        ...webhookPaths,
        ...eventPaths,
        ...deliveryPaths,
        ...searchPaths,
        ...streamPaths,
        ...platformPaths,
        ...portalPaths,
        ...sessionPaths,
        ...servicePaths,
      },
      webhooks: eventWebhooks,
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description:
              'The admin key, a key of a project, or the token of a portal link for what that may do.',
          },
          token: {
            type: 'apiKey',
            in: 'query',
            name: 'token',
            description:
              'A key of a project, for callers that can’t set headers. Never the admin key: 401.',
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: cookieName('https://posthorn.example.com'),
            description:
              'The session of a browser that has signed in; over plain http the cookie is called `posthorn_session`, and at a port or path of its own `_8080` or `_+path` follows, as in `posthorn_session_8080`. Every method but GET and HEAD also needs its `csrfToken` in the header `x-csrf-token`. Refused for pages of other origins, and ignored beside `Authorization`.',
          },
        },
      },
    },
    {
      override: ({ jsonSchema, zodSchema }) => {
        if (zodSchema instanceof z.ZodDate) {
          jsonSchema.type = 'string';
          jsonSchema.format = 'date-time';
        }
        // Zod's pattern says what is accepted; a format next to it would accept both more and less.
        if (jsonSchema.format === 'email') delete jsonSchema.format;
      },
      allowEmptySchema: { date: { output: true }, undefined: { input: true } },
    },
  );
  finish(made as unknown as Record<string, unknown>);
  return made;
}
