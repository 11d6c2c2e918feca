import { z } from 'zod';

/** Addresses are relative to `/`. */
export const frontPageSchema = z.object({
  name: z.literal('Posthorn').describe('What answers.'),
  version: z.string().describe('Its version.'),
  docs: z.string().describe('The API’s reference, as a page.'),
  openapi: z.string().describe('The same as an OpenAPI document.'),
  guides: z.array(z.string()).describe('Guides, as Markdown.'),
  temporalUi: z.string().nullable().describe('The Temporal Web UI, if configured.'),
});
