import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import {
  profiles,
  type EnvelopeInput,
  type EventTypeDefinition,
  type Profile,
} from '../../profiles';
import { instant } from '../../profiles/fields';
import { EXAMPLE } from '../schemas/fields';

const CREATED_AT = EXAMPLE.at('09:30:00').toISOString();

/** The envelope's schema, by the profile's names for its parts. */
function bodyOf({ envelope }: Profile, { type, data, sample }: EventTypeDefinition) {
  const schemas = {
    workspace: z.string().describe('The project’s `externalId`, or its id if it has none.'),
    type: z.literal(type),
    createdAt: instant.describe('When it happened.'),
    data,
  };
  const examples = { workspace: EXAMPLE.projectId, type, createdAt: CREATED_AT, data: sample };
  const members = <T>(parts: Record<keyof EnvelopeInput, T>) =>
    Object.fromEntries(Object.entries(envelope).map(([name, part]) => [name, parts[part]]));
  return { schema: z.object(members<z.ZodType>(schemas)), example: members<unknown>(examples) };
}

const testHeader = z.object({
  'x-webhook-test': z.literal('true').optional().describe('Only for tests and pings.'),
});

export const deliveriesOf = (profile: string): string => `Deliveries of ${profile}`;

/** The profiles' events as they arrive (OpenAPI's `webhooks`), as `profile/type`. */
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
            '2XX': { description: 'Delivered. Everything else is a failed attempt.' },
          },
        },
      },
    ]),
  ),
);
