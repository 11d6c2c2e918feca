import * as fc from 'fast-check';
import { z } from 'zod';
import { batchBody } from '../../../src/api/events/body-checks';
import { eventsQuery } from '../../../src/api/events/events';
import { eventTypeBody } from '../../../src/api/events/event-types';
import { keyBody } from '../../../src/api/projects/keys';
import { plainBody } from '../../../src/api/platform/inbound';
import { manageBody } from '../../../src/api/platform/manage';
import { eventBody } from '../../../src/api/events/posted-event';
import { projectBody, projectChanges } from '../../../src/api/projects/projects';
import { problemsOf } from '../../../src/api/http/validation';
import { webhookBodies } from '../../../src/api/webhooks/webhook-body';
import { rotateBody } from '../../../src/api/webhooks/webhook-secret';
import { placeOfJsonError } from '../../../src/domain/json-error';
import { near } from '../../../src/domain/near';
import { profiles } from '../../../src/profiles';

const custom = profiles.get('custom')!;
const bodiesFor = (reader: 'platform' | 'customer') =>
  webhookBodies(custom, ['order.paid'], {
    allowHttp: true,
    development: true,
    allowedCidrs: [],
    reader,
  });
const bodies = bodiesFor('platform');
const SCHEMAS: Record<string, z.ZodType> = {
  eventBody,
  batchBody: batchBody(eventBody),
  eventsQuery,
  eventTypeBody,
  keyBody,
  plainBody,
  manageBody,
  projectBody,
  projectChanges,
  rotate: rotateBody(custom),
  create: bodies.create,
  update: bodies.update,
};
const messages = (schema: z.ZodType, value: unknown): string[] => {
  const parsed = schema.safeParse(value);
  return parsed.success
    ? []
    : problemsOf(parsed.error).problems.map(({ field, message }) => `${field} ${message}`);
};

describe('a wrong body', () => {
  it.each<[unknown, string]>([
    [{ events: [] }, 'events must have at least 1 item'],
    [{ events: 'x' }, 'events must be a list'],
    [{ events: [1] }, 'events.0 must be a string'],
    [{ name: '' }, 'name must not be empty'],
    [{ name: 'x'.repeat(201) }, 'name must have at most 200 characters'],
    [{ isActive: 'yes' }, 'isActive must be true or false'],
    [{ signing: ['md5'] }, 'signing.0 must be one of: hex, standard, standard-ed25519'],
    [{ policy: { timeoutMs: 1 } }, 'policy.timeoutMs must be at least 1000'],
    [{ policy: { timeoutMs: 1e9 } }, 'policy.timeoutMs must be at most 60000'],
    [{ policy: { timeoutMs: 1000.5 } }, 'policy.timeoutMs must be a whole number'],
    [{ policy: 7 }, 'policy must be an object'],
    [{ isactive: true }, 'isactive is not a known field here. Did you mean "isActive"?'],
    [
      { policy: { retryDelayMs: [] } },
      'policy.retryDelayMs is not a known field here. Did you mean "retryDelaysMs"?',
    ],
    [{ whatever: 1 }, 'whatever is not a known field here.'],
    [
      { events: ['order.payed'] },
      'events.0 is not an event type of this project. Did you mean "order.paid"? Define it by PUT /v1/event-types/order.payed, or see GET /v1/webhooks/events/available.',
    ],
    [
      { events: ['webhook.order_paid'] },
      'events.0 is not an event type of this project. GET /v1/webhooks/events/available lists them.',
    ],
  ])('%j is answered: %s', (body, message) => {
    expect(messages(bodies.update, body)).toEqual([message]);
  });

  it('does not have a customer define a type', () => {
    expect(messages(bodiesFor('customer').update, { events: ['order.payed'] })).toEqual([
      'events.0 is not an event type of this project. Did you mean "order.paid"? GET /v1/webhooks/events/available lists them.',
    ]);
  });

  it('guesses no name where there is none', () => {
    expect(messages(z.strictObject({}), { x: '1' })).toEqual(['x is not a known field here.']);
  });

  it('names the roles that there are', () => {
    expect(messages(keyBody, { name: 'x', role: 'admin' })).toEqual([
      'role must be one of: owner, sender, reader',
    ]);
  });

  it('gets no message in the validator’s words', () => {
    const NAMES = [
      'type',
      'data',
      'createdAt',
      'events',
      'name',
      'role',
      'expiresAt',
      'url',
      'policy',
      'headers',
      'signing',
      'filter',
      'schema',
      'sample',
      'description',
      'secret',
      'limit',
      'timestamp',
      'email_id',
      'recipient',
      'timeoutMs',
      'retryDelaysMs',
      'ratePerSecond',
      'backlogOrder',
    ];
    const name = fc.constantFrom(...NAMES);
    const scalar = fc.oneof(fc.constantFrom<unknown>(null, '', -1, 1.5, 1e20, true), fc.string());
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        scalar,
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(name, tie('value'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(SCHEMAS)), value, (schema, body) => {
        for (const message of messages(SCHEMAS[schema]!, body)) {
          expect(message).not.toMatch(
            /invalid|expected|received|unrecognized|too (small|big)|[<>]=/i,
          );
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('names near a word', () => {
  const known = ['email.sent', 'email.opened', 'email.bounced', 'contact.created'];
  it.each<[string, string[]]>([
    ['email.sned', ['email.sent']],
    ['Email.Opened', ['email.opened']],
    ['email_bounced', ['email.bounced']],
    ['contact.create', ['contact.created']],
    ['order.paid', []],
    ['', []],
    ['x'.repeat(101), []],
    ['EmailSent', ['email.sent']],
    ['e.m.a.i.l.s.e.n.t', ['email.sent']],
    ['mail.opnedd', ['email.opened']],
  ])('of %j are %j', (word, found) => {
    expect(near(word, known)).toEqual(found);
  });

  it('are three at most, of those that are equally near', () => {
    const types = ['a.x11', 'a.x1', 'a.x2', 'a.x3', 'a.x4'];
    expect(near('a.x', types)).toEqual(types.slice(1, 4));
  });

  it('cost no more than could be suggested: names are compared only as far as they may be near', () => {
    /** Each computes one from its neighbours. */
    const cells = jest.spyOn(Math, 'min');
    const word = 'order.'.padEnd(50, 'x');
    const compared = (name: string): number => {
      cells.mockClear();
      near(word, [name]);
      return cells.mock.calls.length;
    };
    try {
      expect(compared('order.'.padEnd(100, 'y'))).toBe(0);
      expect(compared('order.y')).toBe(0);
      // 16 on either side of the diagonal, and the bounds of each row.
      const most = 50 * (2 * 16 + 1 + 1);
      expect(compared('order.'.padEnd(66, 'y'))).toBeLessThanOrEqual(most);
      expect(compared('order.'.padEnd(50, 'y'))).toBeGreaterThan(most / 2);
    } finally {
      cells.mockRestore();
    }
  });
});

describe('the place of a JSON error', () => {
  it.each([
    ['{"a":1,}', ' at line 1, column 8'],
    ['{"a":1\n "b":2}', ' at line 2, column 2'],
    ["{'a':1}", ' at line 1, column 2'],
    ['{"a":01}', ' at line 1, column 7'],
    ['{"a":"x\ny"}', ' at line 1, column 8'],
    ['{"a":"\\x"}', ' at line 1, column 7'],
    ['[1,2}', ' at line 1, column 5'],
    ['{"a":NaN}', ' at line 1, column 6'],
    ['{} x', ' at line 1, column 4'],
    ['{"a":1', ': it ends too early'],
    ['{"a":"x', ': it ends too early'],
    ['"', ': it ends too early'],
    ['{"a": \t\r\n', ': it ends too early'],
    ['{"a":\u00a0', ' at line 1, column 6'],
    ['[\ufeff', ' at line 1, column 2'],
    ['[1\f\n', ' at line 1, column 3'],
  ])('%j', (text, place) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    expect(placeOfJsonError(text)).toBe(place);
  });

  it('is found in whatever is cut off or changed', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 1 }), (json, at, put) => {
        const text =
          json.slice(0, at % (json.length + 1)) + put + json.slice((at % (json.length + 1)) + 1);
        try {
          JSON.parse(text);
        } catch {
          expect(placeOfJsonError(text)).toMatch(
            /^( at line \d+, column \d+|: it ends too early)$/,
          );
        }
      }),
    );
  });
});
