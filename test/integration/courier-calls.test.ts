import { pino } from 'pino';
import { newId } from '../../src/contracts/ids';
import { courierWorkflowId } from '../../src/contracts/temporal';
import { CourierCalls } from '../../src/temporal/courier-calls';
import { useStack } from '../support/use';

describe('a courier for which there is new work', () => {
  const stack = useStack({}, { worker: false });

  /** Has a process tell it each time, without the interval between two calls. */
  const beginTelling = () => {
    const projectId = newId('project');
    const { engine, store } = stack;
    const calls = new CourierCalls(engine, store.couriers, pino({ level: 'silent' }));
    const tell = async (): Promise<void> => {
      calls.call(projectId);
      await calls.drained();
    };
    const signals = (): Promise<number> =>
      stack.temporal(async ({ workflow }) => {
        const { events } = await workflow.getHandle(courierWorkflowId(projectId)).fetchHistory();
        return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes)
          .length;
      });
    return { projectId, tell, signals };
  };

  it('is signalled once until its next shift begins, however often it is told', async () => {
    const { projectId, tell, signals } = beginTelling();
    for (let told = 0; told < 5; told += 1) await tell();
    expect(await signals()).toBe(1);
    await stack.store.couriers.begin(projectId, new Date());
    for (let told = 0; told < 5; told += 1) await tell();
    expect(await signals()).toBe(2);
  });

  it('is signalled again if that has failed', async () => {
    const { tell, signals } = beginTelling();
    const wake = jest.spyOn(stack.engine, 'wakeCourier');
    wake.mockRejectedValueOnce(new Error('no answer in time'));
    await tell();
    await tell();
    wake.mockRestore();
    expect(await signals()).toBe(1);
  });
});
