import { z } from 'zod';
import { DELIVERY_STATUSES } from '../../contracts/delivery';
import { count, EXAMPLE, time } from './fields';

const latency = z.number().nullable();

const figures = z.object({
  deliveries: z.record(z.enum(['total', ...DELIVERY_STATUSES]), count),
  successRate: z
    .number()
    .nullable()
    .describe('The share of succeeded ones among those that succeeded or failed, 0–1.'),
  attempts: z.object({ total: count, succeeded: count, failed: count }),
  latencyMs: z.object({ p50: latency, p90: latency, p99: latency }),
});

export const statsSchema = figures
  .extend({
    since: time,
    until: time,
    hours: z.array(figures.extend({ hour: time.describe('Its begin.') })),
  })
  .meta({ id: 'Stats' });

const counted: z.infer<typeof figures> = {
  deliveries: {
    total: 120,
    pending: 1,
    succeeded: 117,
    failed: 2,
    skipped: 0,
    held: 0,
    cancelled: 0,
  },
  successRate: 117 / 119,
  attempts: { total: 126, succeeded: 117, failed: 9 },
  latencyMs: { p50: 84, p90: 190, p99: 612 },
};

export const statsExample: z.infer<typeof statsSchema> = {
  since: EXAMPLE.at('09:00:00'),
  until: EXAMPLE.at('10:00:00'),
  ...counted,
  hours: [{ hour: EXAMPLE.at('09:00:00'), ...counted }],
};
