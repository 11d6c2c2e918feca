import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { KEY_EXAMPLE } from '../../schemas/project';
import {
  endedSessionSchema,
  sessionExample,
  sessionSchema,
  signInLinkExample,
  signInLinkSchema,
} from '../../schemas/session';
import { signInBody } from '../../sessions/sessions';
import { data, operation } from '../operation';

const tag = 'Sessions';
const bySession = [{ session: [] }];

export const sessionPaths: ZodOpenApiPathsObject = {
  '/dashboard/session': {
    post: operation({
      operationId: 'signIn',
      tag,
      summary: 'Sign a browser in',
      description:
        'With a key, or once with a sign-in link. The answer sets an http-only cookie, which `/v1` accepts instead of the key, with exactly its rights. What changes something then also needs the header `x-csrf-token`. The session ends after 12 hours, after 2 hours without use, and with its key.',
      security: [],
      body: { schema: signInBody, examples: { key: { key: KEY_EXAMPLE } }, required: true },
      answers: { 201: data('The session.', sessionSchema, sessionExample) },
    }),
    get: operation({
      operationId: 'getSession',
      tag,
      summary: 'The browser’s session',
      security: bySession,
      answers: { 200: data('The session.', sessionSchema, sessionExample) },
    }),
    delete: operation({
      operationId: 'signOut',
      tag,
      summary: 'Sign the browser out',
      security: bySession,
      answers: {
        200: data('It has ended.', endedSessionSchema, { keyId: 'admin', ended: true }),
      },
    }),
  },
  '/v1/sign-in-links': {
    post: operation({
      operationId: 'createSignInLink',
      tag,
      summary: 'Create a link that signs in once',
      description:
        'The admin key only. It opens the dashboard and signs its first user in as the admin, within 15 minutes.',
      answers: { 201: data('The link. Shown only here.', signInLinkSchema, signInLinkExample) },
    }),
  },
};
