import express, { type RequestHandler } from 'express';
import { invalid } from './errors';

/** Reads a body: an object as JSON, or nothing. */
export function jsonBody(limit: string): RequestHandler {
  // Not strict, which would call valid JSON that is no object malformed.
  const read = express.json({ limit, strict: false, type: 'application/json' });
  return (req, res, next) => {
    read(req, res, (error?: unknown) => {
      const body: unknown = req.body;
      const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
      if (error !== undefined || body === undefined || isObject) next(error);
      else next(invalid([{ field: 'body', message: 'must be an object' }]));
    });
  };
}
