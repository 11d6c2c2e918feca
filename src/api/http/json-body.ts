import express, { type RequestHandler } from 'express';
import { principalOf } from './auth';
import { readBody } from './body';
import type { Checks } from '../events/checks';

/**
 * Reads a body: a JSON object, or nothing. Only after `authenticate`.
 * @param limit in bytes
 */
export function jsonBody(limit: number, checks: Checks): RequestHandler[] {
  return [
    express.raw({ limit, type: 'application/json' }),
    async (req, res, next) => {
      if (Buffer.isBuffer(req.body)) {
        const { project, keyId } = principalOf(res);
        await checks.inspect(project?._id ?? keyId, req.body);
        req.body = readBody(req.body);
      }
      next();
    },
  ];
}
