import express, { Router } from 'express';
import { contentSecurityPolicy } from 'helmet';
import { getAbsoluteFSPath } from 'swagger-ui-dist';
import { openApiDocument } from './openapi/document';

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

// A file of its own, since the Content-Security-Policy allows no script in the page.
const INITIALIZER = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'list',
  filter: true,
});
`;

/** `/openapi.json`, and `/docs`, which shows it; all from here, without a network. */
export function docsRouter(): Router {
  const router = Router();

  router.get('/openapi.json', (_req, res) => {
    res.json(openApiDocument());
  });

  // Over plain http the page would ask for its own files by https, where nobody answers.
  router.use('/docs', contentSecurityPolicy({ directives: { upgradeInsecureRequests: null } }));
  router.get('/docs', (_req, res) => {
    res.type('html').send(PAGE);
  });
  router.use('/docs/swagger-initializer.js', (_req, res) => {
    res.type('js').send(INITIALIZER);
  });
  router.use('/docs', express.static(getAbsoluteFSPath(), { index: false, redirect: false }));

  return router;
}
