import { z } from 'zod';
import { KEY_ROLES } from '../../store/keys';
import { EXAMPLE, id, time } from './fields';

const keyId = z
  .union([z.literal('admin'), id('key')])
  .describe('The key that it has the rights of: its id, or `admin`.');

export const sessionSchema = z
  .object({
    role: z
      .enum(['admin', ...KEY_ROLES])
      .describe('What it may do: what its key may, at this moment.'),
    keyId,
    projectId: id('project').nullable().describe('The project of its key; null: all projects.'),
    csrfToken: z
      .string()
      .describe('For the header `x-csrf-token` of every request that changes something.'),
    expiresAt: time.describe('When it ends, however it is used. Unused, it ends after two hours.'),
  })
  .meta({ id: 'Session' });

export const sessionExample: z.infer<typeof sessionSchema> = {
  role: 'owner',
  keyId: EXAMPLE.keyId,
  projectId: EXAMPLE.projectId,
  csrfToken: '3f2b0c6d8e1a4b5f9c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b',
  expiresAt: EXAMPLE.at('21:00:00'),
};

export const endedSessionSchema = z.object({
  keyId,
  ended: z.literal(true).describe('Confirms the end.'),
});

export const signInLinkSchema = z
  .object({
    url: z
      .url()
      .describe(
        'Opens the dashboard, signed in as the admin. The fragment is never sent to a server.',
      ),
    token: z.string().describe('The secret in it. It signs in once.'),
    expiresAt: time.describe('When it stops working.'),
  })
  .meta({ id: 'SignInLink' });

const LINK = 'o3ZJ0m7c9q2W5y8B1e4H6k0N3r6U9x2A5d8G1j4M7pQ';
export const signInLinkExample: z.infer<typeof signInLinkSchema> = {
  url: `https://posthorn.example.com/dashboard/#sign-in=${LINK}`,
  token: LINK,
  expiresAt: EXAMPLE.at('09:15:00'),
};
