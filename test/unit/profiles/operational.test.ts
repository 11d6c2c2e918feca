import { OPERATIONAL_TYPES, RESERVED_FAMILIES } from '../../../src/contracts/operational';
import { operationalEvents, profiles } from '../../../src/profiles';

describe('operational events', () => {
  it('are all described, each with a sample that its schema passes', () => {
    expect(operationalEvents.map(({ type }) => type)).toEqual(OPERATIONAL_TYPES);
    for (const { data, sample, description } of operationalEvents) {
      expect(data.safeParse(sample)).toMatchObject({ success: true });
      expect(description).toMatch(/\.$/);
    }
  });

  it('are of families that are not used otherwise', () => {
    const isReserved = (type: string): boolean =>
      RESERVED_FAMILIES.some((family) => type.startsWith(family));
    expect(OPERATIONAL_TYPES.every(isReserved)).toBe(true);
    for (const { events } of profiles.values()) {
      expect(events.map(({ type }) => type).filter(isReserved)).toEqual([]);
    }
  });
});
