import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { deliverySummaryExample } from '../../schemas/delivery';
import { operation } from '../operation';

const EXAMPLE = `retry: 2000

event: ready
id: 5b3c9e01.q83vEjRW…
data: {}

event: delivery
id: 5b3c9e01.mHZUMhD+…
data: ${JSON.stringify(deliverySummaryExample)}

`;

export const streamPaths: ZodOpenApiPathsObject = {
  '/v1/stream': {
    get: operation({
      operationId: 'streamDeliveries',
      tag: 'Deliveries',
      summary: 'Deliveries as they change',
      description:
        'Server-sent events, for keys that may read deliveries, sessions, and portal links. `delivery`: one has changed; its data is that of a list’s item. `ready`: changes from now on are sent, so load your lists now. `reload`: load them again, since changes could not be sent (`reason`: `missed`, more than MongoDB or Posthorn remembers since `Last-Event-ID`; `busy`, too many came back with one at once, sent within 5 s; `many`, more than 200 at once; `polling`, MongoDB has no change streams at the moment: repeated every 5 s, until it has). `end`: the stream ends. With the `reason` `unauthorized`, do not reconnect; with `restart`, connect again. A line at least every 5 s shows that the connection is alive. A key may have 50 streams open, a project’s keys 100, and all of its portal links as many; a client that leaves more than 256 KiB unread is disconnected.',
      headers: {
        'last-event-id': z
          .string()
          .optional()
          .describe(
            'The `id` of the last event that was received, which is opaque: the stream continues after it.',
          ),
      },
      answers: {},
      stream: {
        description:
          'The stream. It stays open until the client closes it, its rights end, or the API stops.',
        example: EXAMPLE,
      },
    }),
  },
};
