import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { keyBody, keysQuery } from '../../projects/keys';
import {
  newProjectQuery,
  projectBody,
  projectChanges,
  projectsQuery,
} from '../../projects/projects';
import { EXAMPLE, id, reference } from '../../schemas/fields';
import {
  KEY_EXAMPLE,
  keyExample,
  keySchema,
  newKeySchema,
  newProjectSchema,
  projectExample,
  projectSchema,
} from '../../schemas/project';
import { data, deleted, operation, page } from '../operation';

const tag = 'Projects';
const path = z.object({ id: reference('project') });
const ofProject = { projectId: reference('project') };
const ADMIN = 'The admin key only.';
const OWNERS = 'The admin key, or a key with the role `owner` for this project.';

export const projectPaths: ZodOpenApiPathsObject = {
  '/v1/projects': {
    post: operation({
      operationId: 'createProject',
      tag,
      summary: 'Create a project',
      description: `${ADMIN} A project is one of your customers, or one environment of an application. With \`?get_if_exists=true\` an existing project with the \`externalId\` is returned unchanged (200, no new key); without it, 409. \`?key=owner\` also creates the first key, both or neither.`,
      query: newProjectQuery,
      body: {
        schema: projectBody,
        examples: {
          default: { name: 'Acme newsletters' },
          'a customer': {
            name: 'Acme',
            profile: 'custom',
            externalId: 'cust_42',
            ownerEmail: 'ops@acme.example',
          },
          'another profile': {
            name: 'Shop',
            profile: 'custom',
            policy: { timeoutMs: 10_000, retryDelaysMs: [5000, 60_000], maxWebhooks: 500 },
          },
        },
      },
      answers: {
        200: data('The existing one with this `externalId`.', projectSchema, projectExample),
        201: data(
          'The project, and its key if one was requested.',
          newProjectSchema,
          { ...projectExample, keyId: EXAMPLE.keyId, key: KEY_EXAMPLE },
          { getProject: 'data/id', updateProject: 'data/id' },
        ),
      },
      errors: ['external_id_taken'],
    }),
    get: operation({
      operationId: 'listProjects',
      tag,
      summary: 'List projects',
      description: ADMIN,
      query: projectsQuery,
      answers: { 200: page('projects', projectSchema, projectExample) },
    }),
  },
  '/v1/projects/{id}': {
    get: operation({
      operationId: 'getProject',
      tag,
      summary: 'Read a project',
      description: ADMIN,
      path,
      answers: { 200: data('The project.', projectSchema, projectExample) },
    }),
    patch: operation({
      operationId: 'updateProject',
      tag,
      summary: 'Change a project',
      description: `${ADMIN} Omitted fields don’t change; \`policy\` is replaced as a whole.`,
      path,
      body: {
        schema: projectChanges,
        examples: { policy: { policy: { timeoutMs: 15_000 } } },
      },
      answers: { 200: data('The changed resource.', projectSchema, projectExample) },
      errors: ['external_id_taken', 'plan_has_webhooks'],
    }),
    delete: operation({
      operationId: 'deleteProject',
      tag,
      summary: 'Delete a project',
      description: `${ADMIN} Its keys stop working and nothing more is sent, at once. Its webhooks, events and deliveries are deleted with it; what takes longer than 2 s is deleted after the answer.`,
      path,
      answers: { 200: deleted('id', id('project'), EXAMPLE.projectId) },
    }),
  },
  '/v1/projects/{projectId}/keys': {
    post: operation({
      operationId: 'createKey',
      tag,
      summary: 'Create a key',
      description: `${OWNERS} An \`owner\` may do everything in its project, a \`sender\` post events and providers’ reports, a \`reader\` read.`,
      path: z.object(ofProject),
      body: { schema: keyBody, examples: { sender: { name: 'Mail service', role: 'sender' } } },
      answers: {
        201: data('The key, shown once.', newKeySchema, {
          ...keyExample,
          key: KEY_EXAMPLE,
        }),
      },
      errors: ['key_limit_reached'],
    }),
    get: operation({
      operationId: 'listKeys',
      tag,
      summary: 'List keys',
      description: OWNERS,
      path: z.object(ofProject),
      query: keysQuery,
      answers: { 200: page('keys', keySchema, keyExample) },
    }),
  },
  '/v1/projects/{projectId}/keys/{keyId}': {
    delete: operation({
      operationId: 'deleteKey',
      tag,
      summary: 'Revoke a key',
      description: OWNERS,
      path: z.object({ ...ofProject, keyId: id('key') }),
      answers: { 200: deleted('id', id('key'), EXAMPLE.keyId) },
    }),
  },
};
