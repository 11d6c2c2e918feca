import type { Request } from 'express';
import { openApiDocument } from './document';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

export interface Route {
  /** As Express writes it: `/v1/deliveries/:id/replay`. */
  path: string;
  /** The methods that it has, and those of them that take a body, or a query. */
  methods: readonly string[];
  withBody: readonly string[];
  withQuery: readonly string[];
}

/** The documented route that a request calls; undefined: none. */
export type RouteOf = (req: Request) => Route | undefined;

/** Reads the routes from the document, once. */
export function documentedRoutes(): RouteOf {
  const routes = Object.entries(openApiDocument().paths ?? {})
    // `/v1/events/batch` before `/v1/events/{id}`.
    .toSorted(([a], [b]) => a.split('{').length - b.split('{').length)
    .map(([template, item]) => {
      const named = METHODS.filter((method) => item[method]);
      const withBody = named.filter((method) => item[method]?.requestBody);
      const withQuery = named.filter((method) =>
        item[method]?.parameters?.some(
          (parameter) => 'in' in parameter && parameter.in === 'query',
        ),
      );
      return {
        template,
        // As Express matches: case-insensitive, with or without a trailing slash.
        pattern: new RegExp(
          `^${template.replace(/\./g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`,
          'i',
        ),
        path: template.replace(/\{(\w+)\}/g, ':$1'),
        methods: asSent(named),
        withBody: asSent(withBody),
        withQuery: asSent(withQuery),
      };
    });
  const fixed = new Map(
    routes.filter(({ template }) => !template.includes('{')).map((route) => [route.path, route]),
  );
  return ({ baseUrl, path }) => {
    const asked = baseUrl + path;
    return fixed.get(asked) ?? routes.find(({ pattern }) => pattern.test(asked));
  };
}

/** In capitals; what accepts GET accepts HEAD. */
const asSent = (methods: readonly string[]): string[] =>
  [...methods, ...(methods.includes('get') ? ['head'] : [])].map((method) => method.toUpperCase());
