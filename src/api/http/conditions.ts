import type { RequestHandler } from 'express';

/** Nothing here has a version that a client could require; `send` would fail with an error for each. */
export const withoutPreconditions: RequestHandler = (req, _res, next) => {
  delete req.headers['if-match'];
  delete req.headers['if-unmodified-since'];
  next();
};

/** Answers show the current state: none is cached, and none is `304`, not even for `If-None-Match: *`. */
export const neverCached: RequestHandler = (req, res, next) => {
  delete req.headers['if-none-match'];
  delete req.headers['if-modified-since'];
  res.set('Cache-Control', 'no-store');
  next();
};
