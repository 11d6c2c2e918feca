import { clock } from '../../../src/clock';
import { newId, noneBefore, timeOf } from '../../../src/contracts/ids';

const SECOND = 1000;

describe('new ids', () => {
  let now = Date.now();
  const madeAt = (): number => timeOf(newId('event')).getTime();

  beforeEach(() => {
    // The module remembers its latest id.
    now += 60 * SECOND;
    jest.spyOn(clock, 'now').mockImplementation(() => new Date(now));
  });
  afterEach(() => jest.restoreAllMocks());

  it('sort by their time, and within a millisecond by their order', () => {
    const ids = Array.from({ length: 5 }, () => newId('event'));
    now += 1;
    ids.push(newId('event'));
    expect(ids.toSorted()).toEqual(ids);
    expect(madeAt()).toBe(now);
  });

  it('do not go back when the clock is set back a little', () => {
    const first = newId('event');
    now -= 4 * SECOND;
    expect(newId('event') > first).toBe(true);
    now += 5 * SECOND;
    expect(madeAt()).toBe(now);
  });

  it('follow a clock that is set back further', () => {
    madeAt();
    now -= 10 * SECOND;
    expect(madeAt()).toBe(now);
  });

  it('are not before what lists were told, even if none was made since', () => {
    const told = now - SECOND;
    noneBefore(new Date(told));
    now -= 4 * SECOND;
    expect(madeAt()).toBe(told);
  });
});
