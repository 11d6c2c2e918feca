import { z } from 'zod';
import {
  EXTERNAL_ID,
  EXTERNAL_PREFIX,
  idPattern,
  referencePattern,
  type Resource,
} from '../../contracts/ids';
import { policyFields } from '../projects/policy';

/* What the answers' schemas share. The views have these schemas' types, so that the two can't differ. */

export const id = (resource: Resource): z.ZodString => z.string().regex(idPattern(resource));

/** A caller's reference to a project or a webhook: its id, or `ext:` and its `externalId`. */
export const reference = (resource: 'project' | 'webhook'): z.ZodString =>
  z
    .string()
    .regex(referencePattern(resource), `must be a ${resource}'s id, or ext: and its externalId`);

/** A list's filter by one event type (`typeNamed`). An index serves one; a family would be many. */
export const typeFilter = z
  .string()
  .regex(
    /^[^*]*$/,
    'must be one event type: families and * are only for subscriptions and bulk replays',
  )
  .optional()
  .describe('The event type, by its name or, in the profile `platform`, its short one.');

/** The caller's own id for a project or a webhook; null: none. */
export const externalIdField = z
  .string()
  .regex(EXTERNAL_ID, 'must be 1-128 visible ASCII characters')
  .refine(
    (value) => !value.startsWith(EXTERNAL_PREFIX),
    `must be given without ${EXTERNAL_PREFIX}, which is only prefixed where it is used as an id`,
  )
  .nullable()
  .optional()
  .describe(
    'The caller’s own id, unique, usable as `ext:<externalId>` wherever an id is accepted.',
  );

/** The same in answers. */
export const externalId = z
  .string()
  .nullable()
  .describe('The caller’s own id, usable as `ext:<externalId>` wherever an id is accepted.');

export const count = z.int().min(0);
export const httpStatus = z.int().min(100).max(999);

/** A Date here, ISO 8601 in UTC with milliseconds on the wire. */
export const time = z.date();

/** A policy's figures in answers: what is missing is the project's, then the profile's. */
export const shownPolicy = {
  ...policyFields,
  retryDelaysMs: z.array(count).readonly().optional(),
};

/** The examples' ids and times. */
export const EXAMPLE = {
  projectId: 'proj_0192f5a7c1d07b3e9a4c5d6e7f801234',
  keyId: 'key_0192f5a8d2e17c4f8b5d6e7f80912345',
  webhookId: 'wh_0192f5a9e3f27d508c6e7f8091a23456',
  eventId: 'evt_0192f5aaf4037e619d7f8091a2b34567',
  deliveryId: 'dlv_0192f5ab05147f72ae8091a2b3c45678',
  replayId: 'rpl_0192f5ac16257083bf91a2b3c4d56789',
  reportId: 'inb_0192f5ae49478295a5abb2c3d4e5f678',
  auditId: 'aud_0192f5ad27367194809aa2b3c4d5e67f',
  requestId: 'req_5f0c1d2e3a4b4c6d8e9f0a1b2c3d4e5f',
  at: (clock: string): Date => new Date(`2026-10-01T${clock}.000Z`),
};
