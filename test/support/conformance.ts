import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { openApiDocument } from '../../src/api/openapi/document';

interface Response {
  content?: Record<string, { examples?: Record<string, unknown> }>;
}
type Operation = { responses: Record<string, { $ref?: string } & Response> };

// As it is on the wire: dates are text there.
export const document = JSON.parse(JSON.stringify(openApiDocument())) as {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, Response> };
};

const ajv = new Ajv2020({ strict: false, allErrors: true, discriminator: false });
addFormats(ajv);
ajv.addSchema(document, 'openapi');

const validators = new Map<string, ValidateFunction>();

/** The validator of the schema at a JSON pointer into the document. */
export function validatorAt(pointer: readonly string[]): ValidateFunction {
  const escaped = pointer.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'));
  const $ref = `openapi#/${escaped.map(encodeURIComponent).join('/')}`;
  const validate = validators.get($ref) ?? ajv.compile({ $ref });
  validators.set($ref, validate);
  return validate;
}

const templates = Object.keys(document.paths)
  .toSorted((a, b) => a.split('{').length - b.split('{').length)
  .map((path) => ({
    path,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`, 'i'),
  }));

/**
 * Holds an answer against the OpenAPI document: its status, its content type and its body must be
 * documented for that route.
 * @throws Error telling what is not
 */
export function assertDocumented(
  method: string,
  url: string,
  answer: { status: number; contentType: string | null; body: unknown },
): void {
  const { pathname } = new URL(url);
  const undocumented = (what: string): Error =>
    new Error(
      `not in the OpenAPI document: ${method} ${pathname} answers ${answer.status}, ${what}`,
    );
  const path = templates.find(({ pattern }) => pattern.test(pathname))?.path;
  const name = (method === 'HEAD' ? 'GET' : method).toLowerCase();
  const operation = path === undefined ? undefined : document.paths[path]![name];
  if (path === undefined || !operation) {
    // Nothing is there; without a key only that is revealed.
    if ([400, 401, 404, 405, 413, 415].includes(answer.status)) return;
    throw undocumented('and has no such operation');
  }
  const { status, contentType, body } = answer;
  const stated = operation.responses[status];
  if (!stated) throw undocumented('which it has no response for');
  const at = stated.$ref?.split('/').slice(1) ?? ['paths', path, name, 'responses', String(status)];
  const response = stated.$ref ? document.components.responses[at.at(-1)!]! : stated;
  const type = contentType?.split(';')[0] ?? '';
  if (!response.content?.[type]) throw undocumented(`of type ${type}`);
  if (type !== 'application/json' || method === 'HEAD') return;
  const code = (body as { error?: { code?: string } } | undefined)?.error?.code;
  if (code !== undefined && !Object.hasOwn(response.content[type].examples ?? {}, code)) {
    throw undocumented(`with the code ${code}`);
  }
  const validate = validatorAt([...at, 'content', type, 'schema']);
  if (!validate(body)) {
    throw undocumented(`but not so: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
  }
}
