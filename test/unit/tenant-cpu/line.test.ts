import { Line } from '../../../src/tenant-cpu/line';

const task = (owner: string, n: number) => ({ owner, n, bytes: 10 });

describe('the line of tasks', () => {
  it('lets the projects take turns, and each one’s tasks in their order', () => {
    const line = new Line<ReturnType<typeof task>>();
    for (const n of [1, 2, 3]) line.add(task('a', n));
    line.add(task('b', 4));
    line.add(task('c', 5));
    line.add(task('b', 6));
    const taken = Array.from({ length: 6 }, () => line.take(() => true)!.n);
    expect(taken).toEqual([1, 4, 5, 2, 6, 3]);
    expect(line.take(() => true)).toBeUndefined();
  });

  it('passes over a project that may not go, which keeps its turn', () => {
    const line = new Line<ReturnType<typeof task>>();
    line.add(task('a', 1));
    line.add(task('b', 2));
    line.add(task('b', 3));
    expect(line.take((owner) => owner !== 'a')!.n).toBe(2);
    expect(line.take(() => false)).toBeUndefined();
    expect(line.take(() => true)!.n).toBe(1);
  });

  it('knows what each project has waiting', () => {
    const line = new Line<ReturnType<typeof task>>();
    line.add(task('a', 1));
    line.add(task('a', 2));
    expect(line.of('a')).toEqual({ tasks: 2, bytes: 20 });
    line.take(() => true);
    expect(line.of('a')).toEqual({ tasks: 1, bytes: 10 });
    expect(line.of('b')).toEqual({ tasks: 0, bytes: 0 });
  });
});
