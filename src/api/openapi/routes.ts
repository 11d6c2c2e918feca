import type { Request } from 'express';
import { openApiDocument } from './document';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

export interface Route {
  /** As Express writes it: `/v1/deliveries/:id/replay`. */
  path: string;
  /** The methods that it has, and those of them that take a body. */
  methods: readonly string[];
  withBody: readonly string[];
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
      return {
        template,
        // As Express matches: case-insensitive, with or without a trailing slash.
        pattern: new RegExp(
          `^${template.replace(/\./g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`,
          'i',
        ),
        path: template.replace(/\{(\w+)\}/g, ':$1'),
        methods: [...named, ...(named.includes('get') ? ['head'] : [])].map(inCapitals),
        withBody: withBody.map(inCapitals),
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

const inCapitals = (method: string): string => method.toUpperCase();
