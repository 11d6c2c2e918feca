import type { Response } from 'express';
import { mongo } from 'mongoose';
import { pino } from 'pino';
import { ERRORS, type ErrorCode } from '../../../src/contracts/errors';
import { shownError } from '../../../src/api/http/error-handler';
import { exampleOf, refusal } from '../../../src/api/http/errors';

const codes = Object.keys(ERRORS) as ErrorCode[];

it.each(codes)('the example of %s gives all that its message asks for', (code) => {
  const { message, details = [] } = exampleOf(code);
  expect([message, ...details.map((problem) => problem.message)].join('\n')).not.toMatch(
    /undefined|\{\w+\}/,
  );
});

it('a refusal says what its case gives, in the message and the fields', () => {
  const { code, message, details } = refusal('external_id_taken', { id: 'wh_1' });
  expect([code, message]).toEqual(['external_id_taken', 'this externalId is already used by wh_1']);
  expect(details).toEqual([{ field: 'externalId', message: 'is already used by wh_1' }]);
});

it('what a caller has written is reported unchanged', () => {
  const { message } = refusal('plan_not_allowed', { plan: '{plan} $& {x}' });
  expect(message).toBe('the plan "{plan} $& {x}" does not include webhooks; use another plan');
});

it.each<[string, number, ErrorCode]>([
  ['no permission', 13, 'unavailable'],
  ['a blocked write', 371, 'unavailable'],
  ['a quota of a hosted cluster', 8000, 'unavailable'],
  ['a full disk', 14_031, 'unavailable'],
  ['no primary', 10_107, 'unavailable'],
  ['the time is up', 50, 'too_slow'],
  ['a document that is too large', 10_334, 'internal_error'],
])('MongoDB’s answer %s is told as it is', (_why, number, code) => {
  const error = new mongo.MongoServerError({ code: number, errmsg: 'refused' });
  const shown = shownError(error, { req: { id: 'req' } } as Response, pino({ level: 'silent' }));
  expect(shown.code).toBe(code);
});
