import * as fc from 'fast-check';
import { OPERATIONAL_TYPES } from '../../../src/contracts/operational';
import { isKnownPattern, isSubscribed, patternsFor } from '../../../src/domain/subscription';

const TYPES = ['email.sent', 'email.opened', 'email.group_unsubscribed', 'contact.created'];
const word = fc.stringMatching(/^[a-z_]{1,10}$/);
const type = fc.tuple(word, word).map(([family, name]) => `${family}.${name}`);

describe('a subscription', () => {
  it('to * gets every type, those added later included', () => {
    fc.assert(fc.property(type, (any) => expect(isSubscribed(['*'], any)).toBe(true)));
  });

  it('to a type gets that type and no other', () => {
    expect(TYPES.filter((t) => isSubscribed(['email.sent'], t))).toEqual(['email.sent']);
    expect(isSubscribed(['email.sent'], 'email.sent_again')).toBe(false);
    expect(isSubscribed(['email.sent'], 'email')).toBe(false);
  });

  it('to a family gets all of it and nothing else', () => {
    expect(TYPES.filter((t) => isSubscribed(['email.*'], t))).toEqual(TYPES.slice(0, 3));
    expect(isSubscribed(['email.*'], 'emailx.sent')).toBe(false);
    expect(isSubscribed(['email.*'], 'email')).toBe(false);
    expect(isSubscribed(['email.group.*'], 'email.group_unsubscribed')).toBe(false);
  });

  it('to several gets what any of them names', () => {
    const patterns = ['contact.*', 'email.opened'];
    expect(TYPES.filter((t) => isSubscribed(patterns, t))).toEqual([
      'email.opened',
      'contact.created',
    ]);
  });

  it('gets operational types by their exact names alone', () => {
    for (const operational of OPERATIONAL_TYPES) {
      expect(isSubscribed(['*', 'webhook.*', 'delivery.*'], operational)).toBe(false);
      expect(isSubscribed(['email.*', operational], operational)).toBe(true);
      expect(isKnownPattern(operational, OPERATIONAL_TYPES)).toBe(true);
    }
    expect(isKnownPattern('webhook.*', OPERATIONAL_TYPES)).toBe(false);
  });

  it('to nothing gets nothing', () => {
    fc.assert(fc.property(type, (any) => expect(isSubscribed([], any)).toBe(false)));
  });

  it('means the patterns by which an event finds its webhooks', () => {
    const short = fc.stringMatching(/^[ab](\.[ab]){0,3}$/);
    const pattern = fc.oneof(
      short,
      short.map((name) => `${name}.*`),
      fc.constant('*'),
    );
    fc.assert(
      fc.property(fc.array(pattern), short, (patterns, any) => {
        const isMeant = patternsFor(any).some((one) => patterns.includes(one));
        expect(isSubscribed(patterns, any)).toBe(isMeant);
      }),
    );
  });

  it('makes no patterns of a type for each that is looked for', () => {
    const made = jest.spyOn(String.prototype, 'matchAll');
    try {
      const types = Array.from({ length: 100 }, (_, n) => `${'a.'.repeat(40)}${n}`);
      for (const one of types) isKnownPattern(`b${one}`, types);
      expect(made).not.toHaveBeenCalled();
    } finally {
      made.mockRestore();
    }
  });

  it('takes letters and dots for what they are, not for a regular expression', () => {
    expect(isSubscribed(['email.sent'], 'emailxsent')).toBe(false);
    expect(isSubscribed(['email.s*'], 'email.sent')).toBe(false);
  });
});

describe('a pattern', () => {
  it.each(['*', 'email.*', 'contact.*', 'email.sent'])('%s may be subscribed to', (pattern) => {
    expect(isKnownPattern(pattern, TYPES)).toBe(true);
  });

  it.each(['', '.*', '**', '*.sent', 'email', 'email.', 'emai.*', 'sms.*', 'email.lost'])(
    '%j may not: it names none of the types',
    (pattern) => {
      expect(isKnownPattern(pattern, TYPES)).toBe(false);
    },
  );

  it('that is * may be subscribed to before there is any type', () => {
    expect(isKnownPattern('*', [])).toBe(true);
  });
});
