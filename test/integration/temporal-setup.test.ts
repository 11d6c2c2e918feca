import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/config';
import { RECONCILE_SCHEDULES, SEARCH_ATTRIBUTES } from '../../src/contracts/temporal';
import { GRPC } from '../../src/temporal/grpc';
import { setUpTemporal } from '../../src/temporal/setup';
import { useServers } from '../support/foreign-server';
import { refusingTemporal } from '../support/refusing-temporal';
import { testEnvironment, testServer } from '../support/stack';

describe('setup, where Temporal does not let it see search attributes', () => {
  const addressOf = useServers();

  it.each(['permissionDenied', 'unimplemented'] as const)(
    'names those to add by hand, and goes on to the schedules (%s)',
    async (code) => {
      const address = testServer('TEMPORAL_ADDRESS');
      const refusing = refusingTemporal(address, {
        method: 'ListSearchAttributes',
        code: GRPC[code],
      });
      const environment = testEnvironment({ TEMPORAL_ADDRESS: await addressOf(refusing) });
      const lines: string[] = [];
      const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
      const config = loadConfig('setup', environment);
      await setUpTemporal(config, log);

      expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
        expect.objectContaining({
          msg: expect.stringContaining('does not allow listing its search attributes'),
          searchAttributes: Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name),
        }),
      ]);
      const connection = await Connection.connect({ address });
      const { schedule } = new Client({ connection, namespace: config.temporal.namespace });
      for (const id of Object.values(RECONCILE_SCHEDULES)) await schedule.getHandle(id).describe();
      await connection.close();
    },
  );
});
