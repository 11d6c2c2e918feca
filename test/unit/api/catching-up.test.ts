import { CatchingUp } from '../../../src/api/stream/catching-up';

describe('readers of the stream that come back', () => {
  it('take turns by project, and leave the line when they go', async () => {
    const line = new CatchingUp();
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const join = (name: string): (() => void) => {
      const reader = { projectId: name[0]!, isBehind: true, reload: () => {} };
      line.join(reader, () => {
        begun.push(name);
        return new Promise((end) => ends.set(name, end));
      });
      return () => line.leave(reader);
    };
    const end = async (name: string): Promise<void> => {
      ends.get(name)!();
      await new Promise(setImmediate);
    };
    join('a1');
    const leave = join('a2');
    for (const name of ['a3', 'b1', 'c1', 'd1', 'd2', 'e1']) join(name);
    leave();
    expect(begun).toEqual(['a1', 'b1', 'c1', 'd1']);
    await end('a1');
    expect(begun.slice(4)).toEqual(['e1']);
    await end('e1');
    expect(begun.slice(5)).toEqual(['a3']);
    await end('b1');
    expect(begun.slice(6)).toEqual([]);
    await end('d1');
    expect(begun.slice(6)).toEqual(['d2']);
  });
});
