/**
 * Types of the events that Posthorn makes itself, in every project. A webhook gets those that it is
 * subscribed to by their exact names: `*` and families leave them out, so that the customers of a
 * profile see nothing that its system hasn't.
 */
export const OPERATIONAL_TYPES = [
  'webhook.disabled',
  'webhook.enabled',
  'webhook.secret_rotated',
  'delivery.failed',
] as const;

export type OperationalType = (typeof OPERATIONAL_TYPES)[number];

export function isOperational(type: string): type is OperationalType {
  return OPERATIONAL_TYPES.some((known) => known === type);
}

/** Families that a project's own types may not be of: there may be more operational types one day. */
export const RESERVED_FAMILIES = ['webhook.', 'delivery.'] as const;
