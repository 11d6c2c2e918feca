import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import express, { Router } from 'express';
import { contentSecurityPolicy } from 'helmet';
// Not the package itself, which would load the whole user interface.
import getAbsoluteFSPath from 'swagger-ui-dist/absolute-path.js';
import type { z } from 'zod';
import type { Config } from '../../config/config';
import { PACKAGE_FOLDER, VERSION } from '../../version';
import { answer } from '../http/answers';
import { openApiDocument } from './document';
import type { frontPageSchema } from '../schemas/service';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Posthorn API</title>
    <link rel="icon" href="docs/favicon-32x32.png" />
    <link rel="stylesheet" href="docs/swagger-ui.css" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/swagger-initializer.js"></script>
  </body>
</html>
`;

// A separate file, since the Content-Security-Policy allows no script in the page.
const INITIALIZER = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'list',
  filter: true,
});
`;

const FRONT_PAGE = ({ version, docs, temporalUi }: z.infer<typeof frontPageSchema>): string =>
  `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Posthorn</title>
  </head>
  <body>
    <h1>Posthorn ${version}</h1>
    <ul>
      <li><a href="${docs}">The API’s reference</a></li>
${GUIDES.map((guide) => `      <li><a href="docs/${guide}">${guide}</a></li>`).join('\n')}
${temporalUi === null ? '' : `      <li><a href="${escapeHtml(temporalUi)}">The Temporal Web UI</a>, which shows what is in progress</li>\n`}    </ul>
  </body>
</html>
`;

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

const GUIDES_FOLDER = path.join(PACKAGE_FOLDER, 'docs');
const GUIDES = readdirSync(GUIDES_FOLDER).filter((name) => /^guide-[a-z]+\.md$/.test(name));

/**
 * `/`, which says where everything is, `/openapi.json`, and `/docs`, which displays it, with the guides that
 * it cites; all served from here, so no network is needed.
 */
export function docsRouter({
  publicUrl,
  temporal: { uiUrl },
}: Pick<Config, 'publicUrl' | 'temporal'>): Router {
  const router = Router();

  router.get('/', (req, res) => {
    const page = {
      name: 'Posthorn',
      version: VERSION,
      docs: 'docs',
      openapi: 'openapi.json',
      guides: GUIDES.map((guide) => `docs/${guide}`),
      temporalUi: uiUrl ?? null,
    } satisfies z.infer<typeof frontPageSchema>;
    // A client that accepts anything, like curl, is not a browser.
    if (req.accepts(['json', 'html']) === 'html') res.type('html').send(FRONT_PAGE(page));
    else answer(res, page);
  });

  // One copy for all answers: no key is needed, and many may ask at once.
  const servers = publicUrl === undefined ? {} : { servers: [{ url: publicUrl }] };
  const document = Buffer.from(JSON.stringify({ ...openApiDocument(), ...servers }));
  router.get('/openapi.json', (_req, res) => {
    res.type('json').send(document);
  });

  // Over plain http the page would request its own files by https, where nothing answers.
  router.use('/docs', contentSecurityPolicy({ directives: { upgradeInsecureRequests: null } }));
  router.get('/docs', (req, res) => {
    // The page's addresses are relative to the folder that it is in.
    if (req.path.endsWith('/')) res.redirect(308, '../docs');
    else res.type('html').send(PAGE);
  });
  router.use('/docs/swagger-initializer.js', (_req, res) => {
    res.type('js').send(INITIALIZER);
  });
  for (const guide of GUIDES) {
    router.use(`/docs/${guide}`, (_req, res) => {
      // As text: browsers don't render Markdown.
      res.type('text').send(readFileSync(path.join(GUIDES_FOLDER, guide), 'utf8'));
    });
  }
  const options = { index: false, redirect: false, acceptRanges: false };
  router.use('/docs', express.static(getAbsoluteFSPath(), options));

  return router;
}
