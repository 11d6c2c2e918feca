import type { RequestHandler } from 'express';
import { ApiError } from '../errors';
import { openApiDocument } from './document';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

/** Refuses a method that the document doesn't have for a path, with those that it has as `Allow`. */
export function documentedMethodsOnly(): RequestHandler {
  const paths = Object.entries(openApiDocument().paths ?? {})
    // `/v1/events/batch` before `/v1/events/{id}`.
    .toSorted(([a], [b]) => a.split('{').length - b.split('{').length)
    .map(([template, item]) => {
      const methods = METHODS.filter((method) => item[method]).map((name) => name.toUpperCase());
      return {
        // As Express matches: in any case, with or without a slash at the end.
        pattern: new RegExp(
          `^${template.replace(/\./g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`,
          'i',
        ),
        allowed: methods.includes('GET') ? [...methods, 'HEAD'] : methods,
      };
    });
  return (req, res, next) => {
    const found = paths.find(({ pattern }) => pattern.test(req.path));
    if (found && !found.allowed.includes(req.method)) {
      res.set('Allow', found.allowed.join(', '));
      throw new ApiError('method_not_allowed', `there is no ${req.method} here`);
    }
    next();
  };
}
