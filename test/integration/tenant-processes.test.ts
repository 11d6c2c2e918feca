import childProcess, { type ChildProcess } from 'node:child_process';
import { TenantCpu, type Outcome } from '../../src/tenant-cpu/tenant-cpu';
import { endlessSchema } from '../support/costly-schemas';
import { CHILD_FILE } from '../support/tenant-cpu';

const data = '{"a":1}';

describe('the processes of tenants’ work', () => {
  let tenantCpu: TenantCpu;
  afterEach(() => {
    jest.restoreAllMocks();
    tenantCpu.close();
  });
  const start = (secondsPerMinute: number, taskLimitMs?: number): void => {
    tenantCpu = new TenantCpu(secondsPerMinute, CHILD_FILE, taskLimitMs);
  };

  const quick = (owner: string): Promise<Outcome<unknown>> =>
    tenantCpu.run(owner, 'judgeFilters', { body: data, filters: ['{"a":1}'] }, data.length);
  const endless = (owner: string): Promise<Outcome<unknown>> => {
    const check = {
      rule: { schema: JSON.stringify(endlessSchema('a')) },
      text: data,
      at: ['data'],
    };
    return tenantCpu.run(owner, 'checkData', [check], data.length);
  };
  /** Lists inside lists, each many times its text. */
  const huge = (owner: string): Promise<Outcome<unknown>> => {
    const text = `{"a":[${'{"b":[{}]},'.repeat(5_000_000)}0]}`;
    const check = { rule: { schema: '{}' }, text, at: ['data'] };
    return tenantCpu.run(owner, 'checkData', [check], data.length);
  };

  /** As if this process, and what runs beside it, had been stopped and resumed. */
  const standStill = (ms: number): void =>
    void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

  it('do what they are told', async () => {
    start(30);
    await expect(quick('a')).resolves.toEqual({ end: 'done', output: [true] });
  });

  it('continue with others’ work beside a job that never ends, which is aborted, and then with its project’s own', async () => {
    // Long enough for another process to start, and to do all that is the others'.
    start(600, 8000);
    const ended: string[] = [];
    const note = async (name: string, work: Promise<Outcome<unknown>>): Promise<void> => {
      ended.push(`${name} ${(await work).end}`);
    };
    await Promise.all([
      note('endless', endless('a')),
      note('own', quick('a')),
      ...Array.from({ length: 20 }, () => note('other', quick('b'))),
    ]);
    expect(ended).toEqual([
      ...Array.from({ length: 20 }, () => 'other done'),
      'endless cut',
      'own done',
    ]);
  });

  it('leave one to the others, however many projects’ work never ends', async () => {
    // Of six seconds at once, three are more than a tenth, and come back in ten.
    start(18, 3000);
    await Promise.all(['a', 'b', 'c', 'd'].map((owner) => endless(owner)));
    let hasEnded = false;
    const again = Promise.all(['a', 'b', 'c', 'd'].map((owner) => endless(owner))).then((ends) => {
      hasEnded = true;
      return ends;
    });
    await expect(quick('e')).resolves.toMatchObject({ end: 'done' });
    expect(hasEnded).toBe(false);
    await again;
  });

  it('end with the memory that they may have, and are replaced', async () => {
    start(600);
    await expect(huge('a')).resolves.toEqual({ end: 'cut' });
    await expect(quick('a')).resolves.toMatchObject({ end: 'done' });
  });

  it('do again what one was doing that somebody else killed', async () => {
    const forked = jest.spyOn(childProcess, 'fork');
    start(30);
    await quick('a');
    const { pid } = forked.mock.results[0]!.value as ChildProcess;
    process.kill(pid!, 'SIGSTOP');
    const job = quick('a');
    // As the kernel does where memory is short.
    process.kill(pid!, 'SIGKILL');
    expect(await job).toMatchObject({ end: 'done' });
  });

  it('take nothing more of a project that has used up its time, and all of another', async () => {
    start(2, 1000);
    await endless('a');
    const refused = await quick('a');
    expect(refused).toEqual({ end: 'over', waitMs: expect.any(Number) });
    await expect(quick('b')).resolves.toMatchObject({ end: 'done' });
  });

  it('do what was asked of them before this process was stopped, and after', async () => {
    start(600, 2000);
    await quick('a');
    const jobs = [quick('a'), quick('a')];
    standStill(3000);
    expect(await Promise.all(jobs)).toMatchObject([{ end: 'done' }, { end: 'done' }]);
  });

  it('have as long as ever where they were stopped beside this process', async () => {
    const forked = jest.spyOn(childProcess, 'fork');
    start(600, 2000);
    await quick('a');
    const { pid } = forked.mock.results[0]!.value as ChildProcess;
    process.kill(pid!, 'SIGSTOP');
    const job = quick('a');
    standStill(3000);
    process.kill(pid!, 'SIGCONT');
    expect(await job).toMatchObject({ end: 'done' });
  });

  it('are aborted after a stop as ever, which costs the project no more than its job’s limit', async () => {
    start(9, 2000);
    await quick('a');
    const job = endless('a');
    standStill(5000);
    expect(await job).toEqual({ end: 'cut' });
    expect(await quick('a')).toMatchObject({ end: 'done' });
  });

  it('take so much at once, of each project', async () => {
    start(600);
    const many = Array.from({ length: 2100 }, () => quick('a'));
    const others = await quick('b');
    expect(others.end).toBe('done');
    const ends = (await Promise.all(many)).map(({ end }) => end);
    expect(ends.filter((end) => end === 'over').length).toBeGreaterThan(50);
    expect(ends.filter((end) => end === 'done').length).toBeGreaterThanOrEqual(2000);
  });
});
