import { mongo } from 'mongoose';
import { isRefused } from '../../../src/store/refused';

describe('what MongoDB answers to a write', () => {
  it.each([
    ['a value that it does not know', 2, true],
    ['a document that is too large', 10_334, true],
    ['a schema that does not match', 121, true],
    ['an expression of a pipeline that fails', 28_664, true],
    ['no permission', 13, false],
    ['no login', 18, false],
    ['a blocked write', 371, false],
    ['a quota of a hosted cluster', 8000, false],
    ['a full disk', 14_031, false],
    ['the time is up', 50, false],
    ['no primary', 10_107, false],
  ])('is about what is written, or not: %s', (_why, code, isExpected) => {
    expect(isRefused(new mongo.MongoServerError({ code, errmsg: 'refused' }))).toBe(isExpected);
  });
});
