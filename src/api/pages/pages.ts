import type { ServerResponse } from 'node:http';
import path from 'node:path';
import express, { Router, type Request, type RequestHandler, type Response } from 'express';
import { contentSecurityPolicy } from 'helmet';
import { isId } from '../../contracts/ids';
import type { Store } from '../../store/store';
import type { FailedLookups } from '../http/failed-lookups';
import { findProject } from '../http/references';

/** One of the front end's files: anything else is an address within it. */
const FILE =
  /\/assets\/|\.(css|gif|html|ico|jpe?g|js|json|map|mjs|png|svg|txt|webmanifest|webp|woff2?)$/i;

const NOT_BUILT = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Posthorn</title>
  </head>
  <body>
    <h1>The dashboard is not built</h1>
    <p>Run <code>npm run build</code> in Posthorn’s folder, then reload this page.</p>
  </body>
</html>
`;

/**
 * `/dashboard/` and `/portal/:projectId/`: the front end, a page whose scripts find out what to show.
 * @param folder of the bundle
 * @param lookups counts portals of projects that don't exist
 */
export function pagesRouter(store: Store, folder: string, lookups: FailedLookups): Router {
  const router = Router();
  const bundle = [withSlash, files(folder), behindHash, page(folder)];
  router.use('/dashboard', framedByNobody, bundle);
  router.use('/portal/:projectId', framedByOrigins(store, lookups), bundle);
  return router;
}

/** Over plain http the page would request its own files by https, where nothing answers. */
const DIRECTIVES = { upgradeInsecureRequests: null };

const framedByNobody: RequestHandler[] = [
  contentSecurityPolicy({ directives: { ...DIRECTIVES, frameAncestors: ["'none'"] } }),
  (_req, res, next) => {
    res.set('X-Frame-Options', 'DENY');
    next();
  },
];

/** A project that doesn't exist looks like one whose portal nobody may embed. */
function framedByOrigins(store: Store, lookups: FailedLookups): RequestHandler[] {
  const originsIn = (res: ServerResponse): readonly string[] =>
    ((res as Response).locals.portalOrigins as readonly string[] | undefined) ?? [];
  return [
    async (req, res, next) => {
      const { projectId } = req.params;
      // Only a page can be framed.
      if (typeof projectId === 'string' && !FILE.test(req.path)) {
        await lookups.check(req, projectId);
        // Not by external ids, which tell strangers who can guess them whose they are.
        const project = isId('project', projectId) && (await findProject(store, projectId));
        if (!project) await lookups.count(req, projectId);
        else res.locals.portalOrigins = project.portalOrigins;
      }
      // This header can't hold a list; the policy replaces it.
      res.removeHeader('X-Frame-Options');
      next();
    },
    contentSecurityPolicy({
      directives: {
        ...DIRECTIVES,
        frameAncestors: [(_req, res) => originsIn(res).join(' ') || "'none'"],
        // The logo of whoever embeds it.
        imgSrc: ["'self'", 'data:', (_req, res) => originsIn(res).join(' ')],
      },
    }),
  ];
}

/** The page's addresses are relative to a folder. */
const withSlash: RequestHandler = (req, res, next) => {
  const [pathname, ...query] = req.originalUrl.split('?');
  if (req.path !== '/' || pathname!.endsWith('/')) {
    next();
    return;
  }
  const target = [`./${pathname!.split('/').at(-1)}/`, ...query].join('?');
  res.redirect(308, target);
};

/**
 * Redirects to the page that is meant: its address is put behind `#`, where the application finds it. Relative, and
 * as it was sent.
 */
const behindHash: RequestHandler = (req, res, next) => {
  if (!isRead(req) || FILE.test(req.path) || req.path === '/') {
    next();
    return;
  }
  const up = '../'.repeat(req.path.split('/').length - 2);
  res.redirect(302, `${up || './'}#${req.url}`);
};

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD';

const BARE = { etag: false, lastModified: false, acceptRanges: false, cacheControl: false };

/** Their names tell their content, so they never change. */
const files = (folder: string): RequestHandler =>
  express.static(folder, {
    index: false,
    redirect: false,
    ...BARE,
    setHeaders: (res: Response, file) => {
      if (path.relative(folder, file).split(path.sep)[0] !== 'assets') return;
      res.set('Cache-Control', 'public, max-age=31536000, immutable');
    },
  });

const page =
  (root: string): RequestHandler =>
  (req, res, next) => {
    if (!isRead(req) || FILE.test(req.path)) {
      next();
      return;
    }
    res.sendFile('index.html', { root, ...BARE }, (error) => {
      if (!error) return;
      const { code } = error as NodeJS.ErrnoException;
      // The client has gone.
      if (code === 'ECONNABORTED') return;
      if (code !== 'ENOENT') {
        next(error);
        return;
      }
      res.locals.unavailable = 'the dashboard is not built; run "npm run build"';
      res.status(503).type('html').send(NOT_BUILT);
    });
  };
