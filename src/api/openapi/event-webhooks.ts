import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { profiles, type EventTypeDefinition, type Profile } from '../../profiles';
import { EXAMPLE, id } from '../schemas/fields';

const CREATED_AT = EXAMPLE.at('09:30:00').toISOString();

/** The envelope's schema, by what the profile makes of its parts. */
function bodyOf({ envelope }: Profile, { type, data, sample }: EventTypeDefinition) {
  const example = envelope({
    projectId: EXAMPLE.projectId,
    type,
    createdAt: CREATED_AT,
    data: sample,
  });
  const parts = new Map<unknown, z.ZodType>([
    [EXAMPLE.projectId, id('project')],
    [type, z.literal(type)],
    [CREATED_AT, z.iso.datetime()],
    [sample, data],
  ]);
  const shape = Object.fromEntries(
    Object.entries(example).map(([name, part]) => [name, parts.get(part) ?? z.unknown()]),
  );
  return { schema: z.object(shape), example };
}

const testHeader = z.object({
  'x-webhook-test': z.literal('true').optional().describe('Of tests and pings alone.'),
});

export const deliveriesOf = (profile: string): string => `Deliveries of ${profile}`;

/** What the profiles' events look like when they arrive (OpenAPI's `webhooks`), as `profile/type`. */
export const eventWebhooks: ZodOpenApiPathsObject = Object.fromEntries(
  [...profiles.values()].flatMap((profile) =>
    [...profile.events, ...(profile.pingOnCreate ? [profile.pingOnCreate] : [])].map((event) => [
      `${profile.name}/${event.type}`,
      {
        post: {
          operationId: ['receive', profile.name, ...event.type.split(/[._]/)]
            .map((word, n) => (n === 0 ? word : word[0]!.toUpperCase() + word.slice(1)))
            .join(''),
          tags: [deliveriesOf(profile.name)],
          summary: event.type,
          description: event.description,
          security: [],
          requestParams: { header: testHeader },
          requestBody: { required: true, content: { 'application/json': bodyOf(profile, event) } },
          responses: {
            '2XX': { description: 'Arrived. Everything else is a failed attempt.' },
          },
        },
      },
    ]),
  ),
);
