import type { Request, RequestHandler } from 'express';
import { refusal, refused } from '../http/errors';
import { Problems } from '../http/problems';
import { openApiDocument } from './document';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

/**
 * `methods` refuses one that the document doesn't have for a path, with those that it has as `Allow`;
 * `bodies`, behind the reading of the body, refuses fields where the document has none.
 */
export function documentedOnly(): Record<'methods' | 'bodies', RequestHandler> {
  const paths = Object.entries(openApiDocument().paths ?? {})
    // `/v1/events/batch` before `/v1/events/{id}`.
    .toSorted(([a], [b]) => a.split('{').length - b.split('{').length)
    .map(([template, item]) => {
      const methods = METHODS.filter((method) => item[method]);
      const allowed = methods.map((name) => name.toUpperCase());
      return {
        // As Express matches: in any case, with or without a slash at the end.
        pattern: new RegExp(
          `^${template.replace(/\./g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`,
          'i',
        ),
        allowed: methods.includes('get') ? [...allowed, 'HEAD'] : allowed,
        withBody: methods
          .filter((method) => item[method]?.requestBody)
          .map((name) => name.toUpperCase()),
      };
    });
  const pathOf = ({ baseUrl, path }: Request) =>
    paths.find(({ pattern }) => pattern.test(baseUrl + path));

  return {
    methods: (req, res, next) => {
      const found = pathOf(req);
      if (found && !found.allowed.includes(req.method)) {
        const allowed = found.allowed.join(', ');
        res.set('Allow', allowed);
        throw refusal('method_not_allowed', { method: req.method, allowed });
      }
      next();
    },
    bodies: (req, _res, next) => {
      const fields = Object.keys((req.body as object | undefined) ?? {});
      if (fields.length > 0 && pathOf(req)?.withBody.includes(req.method) === false) {
        const message = 'is not a known field here: this request has no body';
        const wrong = new Problems();
        for (const field of fields) wrong.add([field], () => message);
        throw refused(wrong);
      }
      next();
    },
  };
}
