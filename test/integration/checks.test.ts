import { pino } from 'pino';
import { Checks } from '../../src/api/events/checks';
import { TenantCpu } from '../../src/tenant-cpu/tenant-cpu';
import { CHILD_FILE } from '../support/tenant-cpu';

describe('a check of data that fails by a bug', () => {
  const tenantCpu = new TenantCpu(30, CHILD_FILE);
  afterAll(() => tenantCpu.close());

  it('is logged once for all events, without their data', async () => {
    const logged: string[] = [];
    const log = pino({ level: 'info' }, { write: (line) => logged.push(line) });
    // It can't be defined, so that compiling it is a bug.
    const check = { rule: { schema: '{"type":"strin"}' }, text: '{"a":"secret"}', at: ['data'] };
    const found = await new Checks(tenantCpu, log).checkData('prj_a', [check, check]);
    expect(found).toMatchObject([{ problems: [{ field: 'data' }] }, { problems: [{}] }]);
    expect(logged.map((line) => JSON.parse(line) as object)).toMatchObject([
      {
        owner: 'prj_a',
        bug: expect.stringContaining('strin'),
        msg: 'a schema could not check data',
      },
    ]);
    expect(logged.join('')).not.toContain('secret');
  });
});
