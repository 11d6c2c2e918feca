import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/config';
import { RECONCILE_SCHEDULES, TASK_QUEUE } from '../../src/contracts/temporal';
import { setUpTemporal } from '../../src/temporal/setup';
import { testEnvironment } from '../support/stack';

const silent = pino({ level: 'silent' });

describe('the schedules of reconcile', () => {
  const describeAll = (client: Client) =>
    Promise.all(
      Object.values(RECONCILE_SCHEDULES).map((id) => client.schedule.getHandle(id).describe()),
    );

  it('replace the one of earlier versions, and are paused where that was', async () => {
    const config = loadConfig('all', testEnvironment());
    const { address, namespace } = config.temporal;
    await setUpTemporal(config, silent);
    const connection = await Connection.connect({ address });
    const client = new Client({ connection, namespace });
    for (const id of Object.values(RECONCILE_SCHEDULES))
      await client.schedule.getHandle(id).delete();
    const action = {
      type: 'startWorkflow',
      workflowType: 'reconcile',
      taskQueue: TASK_QUEUE,
    } as const;
    const former = await client.schedule.create({
      scheduleId: 'posthorn-reconcile',
      spec: { intervals: [{ every: '30s' }] },
      policies: { overlap: 'SKIP' },
      action: { ...action, workflowExecutionTimeout: '1h' },
      state: { paused: true },
    });
    await setUpTemporal(config, silent);
    const schedules = await describeAll(client);
    expect(schedules.map(({ state }) => state.paused)).toEqual([true, true, true]);
    expect(schedules.map((each) => each.action)).toMatchObject([
      { args: ['events'] },
      { args: ['deliveries'] },
      { args: ['housekeeping'] },
    ]);
    await former.unpause();
    await setUpTemporal(config, silent);
    // Each is its own now.
    const paused = (await describeAll(client)).map(({ state }) => state.paused);
    expect(paused).toEqual([true, true, false]);
    await connection.close();
  });

  it('lose no start while it waits for the run before it', async () => {
    const config = loadConfig('all', testEnvironment());
    const { address, namespace } = config.temporal;
    await setUpTemporal(config, silent);
    const connection = await Connection.connect({ address });
    for (const { policies, action } of await describeAll(new Client({ connection, namespace }))) {
      expect(policies.catchupWindow).toBeGreaterThanOrEqual(
        Number(action.workflowExecutionTimeout),
      );
    }
    await connection.close();
  });
});
