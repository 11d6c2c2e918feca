import { z } from 'zod';
import type { ZodOpenApiPathsObject, ZodOpenApiResponseObject } from 'zod-openapi';
import { TEMPORAL_STATES } from '../../../temporal/engine';
import { VERSION } from '../../../version';
import { frontPageSchema } from '../../schemas/service';
import { answersByStatus, data, serviceOperation } from '../operation';

const tag = 'Service';
const text = (type: string) => ({ [type]: { schema: { type: 'string' as const } } });

function withHtml({
  200: ok,
}: Record<string, ZodOpenApiResponseObject>): Record<string, ZodOpenApiResponseObject> {
  return { 200: { ...ok!, content: { ...ok!.content, ...text('text/html') } } };
}

export const servicePaths: ZodOpenApiPathsObject = {
  '/': {
    get: serviceOperation({
      operationId: 'getFrontPage',
      tag,
      summary: 'Where everything is',
      description: 'JSON, or a small page for clients that accept HTML.',
      responses: withHtml(
        answersByStatus({
          200: data('Where everything is.', frontPageSchema, {
            name: 'Posthorn',
            version: VERSION,
            docs: 'docs',
            openapi: 'openapi.json',
            guides: ['docs/guide-webhooks.md'],
            temporalUi: null,
          }),
        }),
      ),
    }),
  },
  '/healthz': {
    get: serviceOperation({
      operationId: 'getHealth',
      tag,
      summary: 'Whether the process is up',
      responses: answersByStatus({
        200: data('It is.', z.object({ status: z.literal('ok') }), { status: 'ok' }),
      }),
    }),
  },
  '/readyz': {
    get: serviceOperation({
      operationId: 'getReadiness',
      tag,
      summary: 'Whether it can accept events',
      description:
        "It can without Temporal: events are delivered once Temporal is back. 503 until `setup` has run; while MongoDB can't be used or no majority of its replica set confirms writes, as checked every five seconds; while the machine's clock differs by more than five seconds from MongoDB's; in a process that also runs a worker, while the worker waits for the encryption keys; and from SIGTERM on.",
      responses: answersByStatus({
        200: data(
          'It can.',
          z.object({
            status: z.literal('ok'),
            mongodb: z.literal('ok'),
            temporal: z
              .enum(TEMPORAL_STATES)
              .describe(
                '`read_only`: it answers, but accepts nothing new; `incomplete`: it answers, but lacks what `setup` creates; `unavailable`: it does not answer.',
              ),
          }),
          { status: 'ok', mongodb: 'ok', temporal: 'ok' },
        ),
      }),
      errors: ['unavailable'],
    }),
  },
  '/metrics': {
    get: serviceOperation({
      operationId: 'getMetrics',
      tag,
      summary: 'Metrics of this process for Prometheus',
      description: 'The admin key only.',
      security: [{ key: [] }],
      responses: {
        200: { description: 'In Prometheus’ text format.', content: text('text/plain') },
      },
      errors: [
        'unauthorized',
        'forbidden',
        'not_found',
        'rate_limited',
        'internal_error',
        'unavailable',
      ],
    }),
  },
  '/openapi.json': {
    get: serviceOperation({
      operationId: 'getOpenApi',
      tag,
      summary: 'This document',
      responses: {
        200: {
          description: 'OpenAPI 3.1.',
          content: { 'application/json': { schema: { type: 'object' } } },
        },
      },
    }),
  },
  '/docs': {
    get: serviceOperation({
      operationId: 'getDocs',
      tag,
      summary: 'This document as a page',
      responses: { 200: { description: 'HTML.', content: text('text/html') } },
    }),
  },
};
