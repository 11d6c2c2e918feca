import { z } from 'zod';
import { BACKLOG_ORDERS } from '../../contracts/delivery';
import { DAY_MS } from '../../domain/durations';

/** Overrides of how deliveries are attempted, for a project or a webhook. All durations in milliseconds. */
export const policyFields = {
  timeoutMs: z.int().min(1000).max(60_000).optional(),
  retryDelaysMs: z.array(z.int().min(1000).max(DAY_MS)).min(1).max(20).optional(),
  autoDisableAfter: z.int().min(1).max(1_000_000).nullable().optional(),
  ratePerSecond: z.number().min(0.01).max(1000).nullable().optional(),
  backlogOrder: z.enum(BACKLOG_ORDERS).optional(),
};
