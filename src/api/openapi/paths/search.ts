import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { searchExample, searchSchema } from '../../schemas/search';
import { searchQuery } from '../../search/search';
import { data, operation } from '../operation';

export const searchPaths: ZodOpenApiPathsObject = {
  '/v1/search': {
    get: operation({
      operationId: 'search',
      tag: 'Insight',
      summary: 'Find anything',
      description:
        'In the project; the admin key without `x-project-id` finds ids in all projects. [docs/guide-webhooks.md](docs/guide-webhooks.md) describes what `q` may be, and how far a search by events’ data looks.',
      query: searchQuery,
      answers: { 200: data('What was found.', searchSchema, searchExample) },
    }),
  },
};
