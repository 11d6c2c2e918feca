import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { withoutKeys } from './errors';

declare global {
  namespace Express {
    interface Request {
      /** By `requestLog`. */
      id: string;
    }
  }
}

/** Every request gets an id, returned as `X-Request-Id` and in errors; headers and bodies aren't logged. */
export function requestLog(log: Logger): RequestHandler {
  return (req, res, next) => {
    req.id = `req_${randomUUID().replaceAll('-', '')}`;
    res.setHeader('X-Request-Id', req.id);
    const beganAt = performance.now();
    let isTold = false;
    const end = (error?: Error): void => {
      if (!isTold) tell(log, req, res, Math.round(performance.now() - beganAt), error);
      isTold = true;
    };
    res.once('close', () => end());
    res.on('error', end);
    next();
  };
}

function tell(
  log: Logger,
  req: Request,
  res: Response,
  responseTime: number,
  error: Error | undefined,
): void {
  const { statusCode } = res;
  // Errors that `errorHandler` answers with 503.
  const reason = res.locals.unavailable as string | undefined;
  const hasFailed = error !== undefined || statusCode >= 500;
  const level =
    reason !== undefined ? 'warn' : hasFailed ? 'error' : statusCode >= 400 ? 'info' : 'debug';
  if (!log.isLevelEnabled(level)) return;
  const { id, method, originalUrl } = req;
  const told = {
    req: { id, method, path: withoutKeys(originalUrl) },
    res: { statusCode },
    responseTime,
  };
  if (!hasFailed) {
    log[level](told, res.writableEnded ? 'request completed' : 'request aborted');
    return;
  }
  const why =
    reason === undefined
      ? { err: error ?? new Error(`failed with status code ${statusCode}`) }
      : { reason };
  log[level]({ ...told, ...why }, 'request errored');
}
