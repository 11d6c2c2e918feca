/**
 * Types of the events that Posthorn makes itself, in every project. A webhook gets those that it
 * subscribes to by their exact names: `*` and families don't include them, so that a profile's
 * customers see nothing that its system doesn't have.
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

/** Families that are reserved: there may be more operational types in future. */
export const RESERVED_FAMILIES = ['webhook.', 'delivery.'] as const;

export function isReserved(type: string): boolean {
  return RESERVED_FAMILIES.some((family) => type.startsWith(family));
}
