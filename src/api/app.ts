import type { ServerResponse } from 'node:http';
import path from 'node:path';
import express, { type Express, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import { clock } from '../clock';
import type { Config } from '../config/config';
import { metrics } from '../metrics';
import type { Cipher } from '../store/cipher';
import type { Store } from '../store/store';
import type { Engine, TemporalState } from '../temporal/engine';
import type { TenantCpu } from '../tenant-cpu/tenant-cpu';
import { PACKAGE_FOLDER } from '../version';
import { answer, countedAnswers } from './http/answers';
import { auditRouter } from './projects/audit';
import type { AuditTrail } from './http/audited';
import { adminOnly } from './http/auth';
import { authenticate } from './http/authenticate';
import { Authentication } from './http/authentication';
import { BATCH_LIMIT, BODY_LIMIT } from './http/body';
import { BrowserSessions } from './http/browser-sessions';
import { catalogsRouter } from './projects/catalogs';
import { Checks } from './events/checks';
import { deliveriesRouter } from './deliveries/deliveries';
import { docsRouter } from './openapi/docs';
import { stretched } from './http/derived-key';
import { jsonOnly, utf8Address } from './http/encoding';
import { errorHandler } from './http/error-handler';
import { ApiError, notReady, unknownRoute, withoutKeys } from './http/errors';
import { eventTypesRouter } from './events/event-types';
import { eventsRouter } from './events/events';
import { Exports } from './exports/exports';
import { FailedLookups } from './http/failed-lookups';
import { keysRouter } from './projects/keys';
import { Dispatcher } from './events/dispatcher';
import { Intake } from './events/intake';
import { jsonBody } from './http/json-body';
import { OwnAddress } from './http/own-address';
import { neverCached, withoutPreconditions } from './http/conditions';
import { measured } from './http/measured';
import { checkedHeaders, newRequestId } from './http/node-refusals';
import { documentedBodies, documentedMethods, documentedQueries } from './openapi/documented';
import { documentedRoutes } from './openapi/routes';
import { pagesRouter } from './pages/pages';
import { portalLinksRouter } from './portal/portal-links';
import { portalFields, portalRights } from './http/portal-rights';
import { PortalTokens } from './http/portal-tokens';
import { platformRouter } from './platform/router';
import { postingRouter } from './events/posting';
import { projectsRouter } from './projects/projects';
import { rateLimits } from './http/rate-limits';
import { projectParam } from './http/reference-params';
import { reportsRouter } from './platform/reports';
import { replaysRouter } from './deliveries/replays';
import { searchRouter } from './search/search';
import { sessionsRouter } from './sessions/sessions';
import { signInLinksRouter } from './sessions/sign-in-links';
import { LiveDeliveries } from './stream/live-deliveries';
import { streamRouter } from './stream/stream';
import { statsRouter } from './deliveries/stats';
import { holdBody, UnderWay } from './http/under-way';
import { webhooksRouter } from './webhooks/webhooks';

export interface AppDependencies {
  store: Store;
  engine: Engine;
  cipher: Cipher;
  tenantCpu: TenantCpu;
  log: Logger;
  /**
   * Why no work is accepted, why none is delivered although it is accepted, why MongoDB fails, and what Temporal
   * lacks; null: nothing is known.
   */
  readiness: {
    readonly unready: string | null;
    readonly unreadable?: string | null;
    readonly unfit?: string | null;
    readonly missing?: string | null;
  };
  /** Aborted when this process is told to stop; it may take requests for a while yet. */
  stopping?: AbortSignal;
  /** Maximum time that an event waits for its start; longer than by default only where no reconcile runs. */
  startsWaitMs?: number | undefined;
  /** Where the front end's files are. */
  bundleFolder?: string;
  config: Config;
}

/** The HTTP API, apart from listening. */
export interface Api {
  app: Express;
  /** Ends what would keep a server from stopping. */
  endStreams: () => void;
  /** Resolves when nothing is left to do after the answers: within seconds. */
  drained: () => Promise<void>;
}

/** How many unknown sessions and portals one address may ask for, for each wrong key that it may try. */
const UNKNOWN_PER_WRONG_KEY = 10;

/** As `npm run build` makes it. */
const BUNDLE_FOLDER = path.join(PACKAGE_FOLDER, 'dist/dashboard');

export function createApi(dependencies: AppDependencies): Api {
  const { store, engine, cipher, tenantCpu, log, readiness, stopping, startsWaitMs, config } =
    dependencies;
  const { bundleFolder = BUNDLE_FOLDER } = dependencies;
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', config.trustedProxies);
  app.use(requestLog(log));
  app.use(countedAnswers);
  const routeOf = documentedRoutes();
  app.use(measured(routeOf));
  // HSTS is left to whoever ends TLS: it would cover all names of the operator's domain.
  app.use(helmet({ strictTransportSecurity: false }));
  app.use(checkedHeaders);
  app.use(utf8Address);
  app.use(documentedMethods(routeOf));
  app.use(withoutPreconditions);
  app.use(docsRouter(config));
  app.use(neverCached);

  app.get('/healthz', (_req, res) => {
    answer(res, { status: 'ok' });
  });
  // Before `setup` has run, an event could be accepted twice, or be lost.
  app.use((_req, _res, next) => {
    if (readiness.unready !== null) throw notReady(readiness.unready);
    next();
  });
  // Events are accepted without Temporal, so only MongoDB and a reliable clock matter. No key is needed, so those
  // who ask at the same time share one check.
  let checking: Promise<TemporalState> | undefined;
  app.get('/readyz', async (_req, res) => {
    if (stopping?.aborted) throw new ApiError('unavailable', 'draining: this process stops');
    const trouble = clock.trouble ?? readiness.unreadable ?? readiness.unfit ?? null;
    if (trouble !== null) throw notReady(trouble);
    checking ??= store
      .readClock()
      .then(() => (readiness.missing ? 'incomplete' : engine.state()))
      .finally(() => {
        checking = undefined;
      });
    const temporal = await checking;
    answer(res, { status: 'ok', mongodb: 'ok', temporal });
  });

  const rootKey = stretched(config.adminKey);
  const address = new OwnAddress(config.publicUrl);
  const wrongKeys = new FailedLookups(config.wrongKeysPerMinute, 'wrong keys');
  const authentication = new Authentication(store, config.adminKey, wrongKeys);
  // Nobody guesses these: a page that goes on asking must not be kept from signing in.
  const lookupsOf = (what: string): FailedLookups =>
    new FailedLookups(
      UNKNOWN_PER_WRONG_KEY * config.wrongKeysPerMinute,
      `requests for ${what} that do not exist`,
    );
  const sessions = new BrowserSessions(
    store,
    authentication,
    address,
    lookupsOf('sessions'),
    rootKey,
  );
  const portal = new PortalTokens(store, authentication, rootKey);
  // Numbers without ids, but still only for operators.
  app.get('/metrics', authenticate(authentication), adminOnly, async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.metrics());
  });

  const { retentionDays, dispatch } = store.defaults;
  app.locals.auditTrail = { audit: store.audit, log, retentionDays } satisfies AuditTrail;
  const dispatcher = new Dispatcher(
    engine,
    store,
    log,
    dispatch,
    config.autoWorkflowsPerSecond,
    startsWaitMs,
  );
  const checks = new Checks(tenantCpu, log);
  const intake = new Intake(store, dispatcher, checks);
  const { admit, readInTurn } = new UnderWay({
    requests: config.maxRequestsUnderWay,
    bytes: config.maxHeldMib * 1024 * 1024,
  });
  const limited = rateLimits(config);
  const admitted = [admit, ...limited];
  // A turn is taken after the body, the rest of which a client may send late, or never.
  const behindBody = [documentedBodies(routeOf), readInTurn];
  app.use(
    '/api/webhooks',
    authenticate(authentication, { tokenInQuery: address }),
    admitted,
    jsonOnly,
    holdBody(BATCH_LIMIT),
    platformRouter({ store, intake, cipher, behindBody, ...config }),
  );

  const v1 = express.Router();
  v1.use(authenticate(authentication, { sessions, portal }), portalRights(routeOf));
  v1.use(admitted, documentedQueries(routeOf));
  const live = new LiveDeliveries(store, cipher, log);
  // It takes no turn, which it would keep for hours.
  v1.use('/stream', streamRouter(live));
  v1.use(jsonOnly);
  v1.use('/events', postingRouter(intake));
  v1.use(holdBody(BODY_LIMIT), jsonBody(BODY_LIMIT, checks));
  v1.use(behindBody, portalFields);
  v1.param('projectId', projectParam(store));
  // Before /projects, which is only for the admin.
  v1.use('/projects/:projectId/keys', keysRouter(store, config.maxKeysPerProject));
  v1.use('/sign-in-links', signInLinksRouter(sessions, address));
  v1.use('/portal-links', portalLinksRouter(store, portal, address));
  v1.use('/catalogs', catalogsRouter(store, checks));
  v1.use('/projects', projectsRouter({ store, cipher }));
  v1.use(statsRouter(store));
  v1.use('/audit', auditRouter(store));
  v1.use('/search', searchRouter(store, checks));
  v1.use('/event-types', eventTypesRouter({ store, catalog: intake.catalog, checks }));
  v1.use('/webhooks', webhooksRouter({ store, engine, intake, cipher, log, ...config }));
  const exporter = new Exports(log);
  v1.use('/events', eventsRouter({ store, engine, log, exporter }));
  v1.use('/reports', reportsRouter(store));
  v1.use('/replays', replaysRouter({ store, engine, log, catalog: intake.catalog }));
  const webUrl = webUrls(config.temporal);
  v1.use('/deliveries', deliveriesRouter({ store, engine, log, exporter, webUrl }));
  app.use('/v1', v1);
  app.use('/dashboard/session', sessionsRouter(authentication, sessions, address, limited));
  app.use(pagesRouter(store, bundleFolder, lookupsOf('portals')));

  app.use(unknownRoute);
  app.use(errorHandler(log));
  return { app, endStreams: () => live.stop(), drained: () => dispatcher.drained() };
}

/** Every request gets an id, returned as `X-Request-Id` and in errors; headers and bodies aren't logged. */
function requestLog(log: Logger): RequestHandler {
  return pinoHttp({
    logger: log,
    genReqId: (_req, res) => {
      const id = newRequestId();
      res.setHeader('X-Request-Id', id);
      return id;
    },
    serializers: {
      req: ({ id, method, url }: { id: string; method: string; url: string }) => ({
        id,
        method,
        path: withoutKeys(url),
      }),
      res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
    },
    customLogLevel: (_req, res, error) =>
      whyUnavailable(res) !== undefined
        ? 'warn'
        : error || res.statusCode >= 500
          ? 'error'
          : res.statusCode >= 400
            ? 'info'
            : 'debug',
    customErrorObject: (_req, res, _error, told: Record<string, unknown>) => {
      const reason = whyUnavailable(res);
      return reason === undefined ? told : { ...told, err: undefined, reason };
    },
  });
}

/** Errors that `errorHandler` answers with 503. */
function whyUnavailable(res: ServerResponse): string | undefined {
  return (res as Response).locals.unavailable as string | undefined;
}

function webUrls({
  uiUrl,
  namespace,
}: Config['temporal']): (id: string, runId: string | null) => string | null {
  return (workflowId, runId) =>
    uiUrl === undefined
      ? null
      : [
          `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows`,
          encodeURIComponent(workflowId),
          ...(runId === null ? [] : [runId, 'history']),
        ].join('/');
}
