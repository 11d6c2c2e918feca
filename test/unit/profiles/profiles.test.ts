import { z } from 'zod';
import { isSubscribed } from '../../../src/domain/subscription';
import { DEFAULT_PROFILE, getProfile, profiles, writeEnvelope } from '../../../src/profiles';
import { CATALOGUES, FOREIGN } from './catalogues';
import { problemPaths } from './problem-paths';

type Data = Record<string, unknown>;

const NAMES = ['autosend', 'platform', 'emailsendx', 'ahasend', 'custom'];

const pick = (values: Data, fields: readonly string[]): Data =>
  Object.fromEntries(fields.map((field) => [field, values[field]]));

test('there are the five profiles of the contract, each found by its own name', () => {
  expect([...profiles.keys()]).toEqual(NAMES);
  for (const [name, profile] of profiles) {
    expect(profile.name).toBe(name);
    expect(getProfile(name)).toBe(profile);
  }
});

test('a project that names no profile gets autosend', () => {
  expect(DEFAULT_PROFILE).toBe('autosend');
});

test.each(['', 'AutoSend', 'constructor', '__proto__'])('there is no profile %j', (name) => {
  expect(profiles.has(name)).toBe(false);
  expect(() => getProfile(name)).toThrow(
    `There is no profile "${name}"; there are: ${NAMES.join(', ')}`,
  );
});

describe('the profiles of docs/contract.md, 1.1', () => {
  const s = 1_000;
  const min = 60 * s;
  const h = 60 * min;

  test.each([
    ['autosend', 'hex', 'raw', 10, [1 * min, 5 * min, 15 * min], null],
    ['platform', 'hex', 'raw', 10, [1 * min, 5 * min, 15 * min], null],
    ['emailsendx', 'hex', 'raw', 30, [30 * s, 2 * min, 10 * min, 30 * min, 1 * h], null],
    ['ahasend', 'standard', 'raw', 10, [15 * s, 30 * s, 1 * min, 2 * min, 4 * min, 510 * s], 100],
    [
      'custom',
      'standard',
      'whsec',
      15,
      [5 * s, 5 * min, 30 * min, 2 * h, 5 * h, 10 * h, 10 * h],
      100,
    ],
  ])(
    '%s signs by %s with a %s secret, waits %d s for an answer, retries after %j ms, is disabled after %j',
    (name, scheme, secretFormat, timeoutSeconds, retryDelaysMs, autoDisableAfter) => {
      const profile = getProfile(name);
      expect(profile.signing).toEqual([scheme]);
      expect(profile.secretFormat).toBe(secretFormat);
      expect(profile.policy).toEqual({
        timeoutMs: timeoutSeconds * s,
        retryDelaysMs,
        autoDisableAfter,
        ratePerSecond: null,
        backlogOrder: 'oldest_first',
      });
    },
  );

  test("ahasend's six retries are spread over a little more than 16 minutes", () => {
    const { retryDelaysMs } = getProfile('ahasend').policy;
    expect(retryDelaysMs).toHaveLength(6);
    const total = retryDelaysMs.reduce((sum, delayMs) => sum + delayMs, 0);
    expect(total).toBeGreaterThan(16 * min);
    expect(total).toBeLessThan(17 * min);
  });

  const none = {
    maxWebhooks: 100,
    plansWithoutWebhooks: [],
    httpInDevelopment: false,
    secretFromCaller: false,
    pingOnCreate: null,
    notifyOwnerOnDisable: false,
    eventTypesFromProject: false,
  };

  test.each([
    ['autosend', none],
    ['platform', { ...none, secretFromCaller: true }],
    [
      'emailsendx',
      {
        ...none,
        maxWebhooks: 10,
        plansWithoutWebhooks: ['hobby'],
        pingOnCreate: { type: 'ping' },
      },
    ],
    ['ahasend', { ...none, httpInDevelopment: true, notifyOwnerOnDisable: true }],
    [
      'custom',
      {
        ...none,
        httpInDevelopment: true,
        secretFromCaller: true,
        notifyOwnerOnDisable: true,
        eventTypesFromProject: true,
      },
    ],
  ])('%s has the limits and options %j', (name, options) => {
    expect(getProfile(name)).toMatchObject(options);
  });

  test.each([
    ['autosend', '{"type":"a.b","createdAt":"2026-10-01T09:30:00.000Z","data":{"b":1,"a":"ü"}}'],
    ['platform', '{"type":"a.b","createdAt":"2026-10-01T09:30:00.000Z","data":{"b":1,"a":"ü"}}'],
    [
      'emailsendx',
      '{"event":"a.b","workspaceId":"proj_1","timestamp":"2026-10-01T09:30:00.000Z","data":{"b":1,"a":"ü"}}',
    ],
    ['ahasend', '{"type":"a.b","timestamp":"2026-10-01T09:30:00.000Z","data":{"b":1,"a":"ü"}}'],
    ['custom', '{"type":"a.b","timestamp":"2026-10-01T09:30:00.000Z","data":{"b":1,"a":"ü"}}'],
  ])('the envelope of %s is, byte for byte, %s', (name, body) => {
    const envelope = writeEnvelope(getProfile(name), {
      workspace: 'proj_1',
      data: '{"b":1,"a":"ü"}',
      createdAt: '2026-10-01T09:30:00.000Z',
      type: 'a.b',
    });
    expect(envelope).toBe(body);
  });
});

describe.each([...profiles.values()])('the profile $name', (profile) => {
  const types = profile.events.map((event) => event.type);

  test('lists the event types in the order that events/available answers, each once', () => {
    expect(types).toEqual(Object.keys(CATALOGUES[profile.name]!.types));
    expect(new Set(types).size).toBe(types.length);
  });

  test('its webhooks can be subscribed to every type, exactly or by its family', () => {
    for (const type of types) {
      expect(type).toMatch(/^[a-z]+\.[a-z_]+$/);
      expect(isSubscribed([`${type.split('.')[0]}.*`], type)).toBe(true);
    }
  });

  test('what it refers to is in its catalogue', () => {
    expect(types).toEqual(expect.arrayContaining([...profile.aliases.values()]));
    expect(types).toEqual(
      expect.arrayContaining([...(profile.providerEvents?.types.values() ?? [])]),
    );
  });

  test('it has its own event types, or the project defines them', () => {
    expect(types.length > 0).toBe(!profile.eventTypesFromProject);
  });

  test('a short name stands for one type, and is none itself', () => {
    expect(new Set(profile.aliases.values()).size).toBe(profile.aliases.size);
    for (const alias of profile.aliases.keys()) expect(types).not.toContain(alias);
  });

  test('its figures are within what a project may override them with', () => {
    const { timeoutMs, retryDelaysMs } = profile.policy;
    expect(timeoutMs).toBeGreaterThanOrEqual(1_000);
    expect(timeoutMs).toBeLessThanOrEqual(60_000);
    expect(retryDelaysMs.length).toBeGreaterThanOrEqual(1);
    expect(retryDelaysMs.length).toBeLessThanOrEqual(20);
    for (const delayMs of retryDelaysMs) {
      expect(delayMs).toBeGreaterThanOrEqual(1_000);
      expect(delayMs).toBeLessThanOrEqual(24 * 3_600_000);
    }
  });
});

const EVENTS = [...profiles.values()].flatMap((profile) =>
  profile.events.map((event) => {
    const { types, values, valuesOf, nullable = [] } = CATALOGUES[profile.name]!;
    const { required, optional, open = false } = types[event.type]!;
    return {
      ...event,
      profile: profile.name,
      required,
      optional,
      open,
      nullable,
      values: { ...FOREIGN, ...values, ...valuesOf?.(event.type) },
    };
  }),
);

describe.each(EVENTS)('$profile $type', (event) => {
  const { data: schema, sample, required, optional, nullable, values } = event;

  test('has a one-sentence description', () => {
    expect(event.description).toMatch(/^[A-Z][^.]*\.$/);
  });

  test('has a sample that is valid, that parsing leaves as it is, and that is JSON', () => {
    expect(schema.parse(sample)).toEqual(sample);
    expect(JSON.parse(JSON.stringify(sample))).toEqual(sample);
  });

  test('has a sample with every field that it requires', () => {
    expect(Object.keys(sample)).toEqual(expect.arrayContaining(required));
  });

  test('accepts the required fields alone', () => {
    expect(problemPaths(schema, pick(values, required))).toEqual([]);
  });

  test('accepts every field of its list', () => {
    expect(problemPaths(schema, pick(values, [...required, ...optional]))).toEqual([]);
  });

  test('names each required field that is missing', () => {
    for (const missing of required) {
      const others = required.filter((field) => field !== missing);
      expect(problemPaths(schema, pick(values, others))).toEqual([missing]);
    }
  });

  test('names each field that has a wrong type, null included', () => {
    for (const field of [...required, ...optional]) {
      const data = pick(values, required);
      expect(problemPaths(schema, { ...data, [field]: 4.5 })).toEqual([field]);
      expect(problemPaths(schema, { ...data, [field]: null })).toEqual(
        nullable.includes(field) ? [] : [field],
      );
    }
  });

  test('refuses data that is not an object', () => {
    for (const data of [null, [], 'text', 7]) expect(problemPaths(schema, data)).toEqual(['']);
  });

  test('can be shown as a JSON Schema that says the same', () => {
    const shown = z.toJSONSchema(schema, { io: 'input' });
    expect(shown).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      additionalProperties: event.open ? {} : false,
    });
    expect(Object.keys(shown.properties ?? {}).toSorted()).toEqual(
      [...required, ...optional].toSorted(),
    );
    expect((shown.required ?? []).toSorted()).toEqual(required.toSorted());
  });
});

describe.each(EVENTS.filter(({ open }) => !open))('$profile $type is closed', (event) => {
  const { data: schema, sample, required, optional, values } = event;

  test('every field that is not on its list is refused and named', () => {
    const foreign = Object.keys(values).filter((f) => ![...required, ...optional].includes(f));
    expect(foreign).toEqual(expect.arrayContaining(Object.keys(FOREIGN)));
    for (const field of foreign) {
      expect(problemPaths(schema, { ...sample, [field]: values[field] })).toEqual([field]);
    }
    expect(problemPaths(schema, pick(values, [...required, ...foreign])).toSorted()).toEqual(
      foreign.toSorted(),
    );
  });

  test.each(['__proto__', 'constructor', 'toString'])('the field %s is refused', (field) => {
    const json = JSON.stringify(sample).replace(/}$/, `,"${field}":{"a":1}}`);
    expect(problemPaths(schema, JSON.parse(json))).toEqual([field]);
  });
});
