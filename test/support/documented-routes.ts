import { openApiDocument } from '../../src/api/openapi/document';

/** A route as the OpenAPI document has it; a test holds that document against the routers. */
export interface DocumentedRoute {
  method: string;
  /** With `{id}` and the like. */
  path: string;
  /** Names of its query parameters. */
  query: string[];
  /** An example of its JSON body; undefined where it takes none. */
  body: Record<string, unknown> | undefined;
  /** Names of the body's fields. */
  fields: string[];
}

interface Operation {
  responses?: unknown;
  parameters?: { in: string; name: string }[];
  requestBody?: {
    content?: Record<string, { schema: Schema; examples?: Record<string, Example> }>;
  };
}
type Schema = { $ref?: string; properties?: Record<string, unknown> };
type Example = { value?: unknown };

/** Every route that needs a key. */
export function documentedRoutes(): DocumentedRoute[] {
  const document = JSON.parse(JSON.stringify(openApiDocument())) as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, Schema> };
  };
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { responses }]) => responses && /^\/(v1|api)\//.test(path))
      .map(([method, { parameters = [], requestBody }]) => {
        const json = requestBody?.content?.['application/json'];
        const name = json?.schema.$ref?.split('/').pop();
        const schema = name === undefined ? json?.schema : document.components.schemas[name];
        const example = Object.values(json?.examples ?? {})[0]?.value;
        return {
          method: method.toUpperCase(),
          path,
          query: parameters.filter((it) => it.in === 'query').map((it) => it.name),
          body:
            json &&
            ((example ?? (json as Example & { example?: unknown }).example ?? {}) as Record<
              string,
              unknown
            >),
          fields: Object.keys(schema?.properties ?? {}),
        };
      }),
  );
}
