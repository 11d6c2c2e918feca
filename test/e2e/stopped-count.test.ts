import { RECONCILE_SCHEDULES } from '../../src/contracts/temporal';
import { floorTo, hourId } from '../../src/store/counted-hours';
import { idAt, insertDelivery } from '../integration/api/insert';
import { deliveryWith, makeWebhook, postEvent } from '../support/deliveries';
import { eventually } from '../support/eventually';
import { withOwnWorkers } from '../support/own-workers';
import { deliverOne, PATIENCE_MS, policy } from '../support/stopped-attempt';

const HOUR_MS = 3_600_000;

jest.setTimeout(400_000);

describe('a worker that is stopped between the reading and the writing of a count, and woken', () => {
  it('writes nothing over what another has counted meanwhile, and loses no change', () =>
    withOwnWorkers(async ({ stack, receiver, startWorker }) => {
      const { store } = stack;
      const { client, id: projectId } = await stack.project({ policy });
      await makeWebhook(client, receiver.url);
      const first = await startWorker(null);
      const real = await postEvent(client);
      await deliveryWith(client, real, { status: 'succeeded' }, PATIENCE_MS);

      // As if that had been hours ago, with others.
      const { _id, ...delivery } = (await store.deliveries.find(real))!;
      const createdAt = new Date(Date.now() - 5 * HOUR_MS);
      const old = { ...delivery, createdAt, completedAt: createdAt };
      const ids: string[] = [];
      for (const eventId of [
        delivery.eventId,
        await deliverOne(client),
        await deliverOne(client),
      ]) {
        await store.deliveries.model.deleteMany({ eventId });
        ids.push(
          await insertDelivery(stack, { ...old, eventId, _id: idAt('delivery', createdAt) }),
        );
      }
      const { countedHours, recounts } = store;
      const theHour = hourId(projectId, floorTo(HOUR_MS, createdAt));
      const hour = () => countedHours.model.findById(theHour).lean();
      const since = new Date(createdAt.getTime() - HOUR_MS).toISOString();
      const expectAttempts = async (succeeded: number): Promise<void> => {
        const { data } = (await client.get(`/v1/stats?since=${since}`)).body;
        expect(data.deliveries).toMatchObject({ total: ids.length, succeeded: ids.length });
        expect(data.attempts).toEqual({ total: succeeded, succeeded, failed: 0 });
      };
      const replay = async (id: string): Promise<void> => {
        expect((await client.post(`/v1/deliveries/${id}/replay`)).status).toBe(202);
        await deliveryWith(client, id, { status: 'succeeded', replays: 1 }, PATIENCE_MS);
      };
      /** Until statistics are answered from counts alone, as if all had ended long ago. */
      const untilFinal = async (): Promise<void> => {
        const ended = { $set: { completedAt: createdAt } };
        await store.deliveries.model.updateMany({ projectId }, ended);
        await eventually(
          'all is counted',
          async () => {
            await countedHours.model.updateOne({ _id: theHour }, { nextCountAt: new Date(0) });
            const isNoted = await recounts.model.exists({ projectId });
            return isNoted === null && (await hour())!.open.length === 0;
          },
          PATIENCE_MS,
        );
      };
      await stack.temporal(({ schedule }) =>
        schedule.getHandle(RECONCILE_SCHEDULES.housekeeping).trigger(),
      );
      await eventually('it is counted', async () => (await hour())?.countedAt, PATIENCE_MS);
      await expectAttempts(3);

      const { version } = (await hour())!;
      await first.dieAt('store/count-ranges countDeliveries after 1 SIGSTOP');
      await countedHours.model.updateOne({ _id: theHour }, { nextCountAt: new Date(0) });
      await eventually('it is stopped', () => first.isStopped(), PATIENCE_MS);
      await startWorker();
      await replay(ids[0]!);
      await replay(ids[1]!);
      await expectAttempts(5);
      await untilFinal();
      await expectAttempts(5);
      await replay(ids[2]!);
      await expectAttempts(6);

      const db = store.deliveries.model.db.db!;
      // Without `slowms`, which is of all databases: mongod would log each operation of the other tests.
      const filter = { ns: `${db.databaseName}.statsHours` };
      await db.command({ profile: 1, filter });
      first.signal('SIGCONT');
      await eventually(
        'it has tried to write',
        () =>
          db.collection('system.profile').findOne({ 'command.q.version': version, nMatched: 0 }),
        PATIENCE_MS,
      );
      await expectAttempts(6);
      await untilFinal();
      await expectAttempts(6);
    }));
});
