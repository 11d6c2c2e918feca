import express, { type RequestHandler } from 'express';
import { principalOf, shareOf } from './auth';
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
        const principal = principalOf(res);
        const owner = principal.project ? shareOf(principal) : principal.keyId;
        await checks.inspect(owner, req.body);
        req.body = readBody(req.body);
      }
      next();
    },
  ];
}
