import type { EventTypes } from '../../src/store/event-types';
import type { Answer, ApiClient } from './api-client';

export const orderCreated = {
  description: 'An order was placed.',
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      orderId: { type: 'string', pattern: '^ord_[0-9]+$' },
      user: {
        type: 'object',
        properties: { email: { type: 'string', format: 'email' } },
        required: ['email'],
      },
      total: { type: 'number', minimum: 0 },
    },
    required: ['orderId', 'user'],
    additionalProperties: false,
  },
  sample: { orderId: 'ord_1', user: { email: 'ada@example.org' }, total: 12.5 },
};

/** Defines a type of the client's project. */
export const define = (
  client: ApiClient,
  type: string,
  body: unknown = orderCreated,
): Promise<Answer> => client.send('PUT', `/v1/event-types/${type}`, body);

/** Has the next `count` definitions that arrive continue at the same moment, however long each was checked. */
export function togetherPut(types: EventTypes, count: number): void {
  const put = types.put.bind(types);
  let begin!: () => void;
  const all = new Promise<void>((resolve) => (begin = resolve));
  let arrived = 0;
  const spy = jest.spyOn(types, 'put').mockImplementation(async (...type) => {
    arrived += 1;
    if (arrived === count) {
      spy.mockRestore();
      begin();
    }
    await all;
    return put(...type);
  });
}
