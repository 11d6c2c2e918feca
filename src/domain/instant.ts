const LEAP_DAY =
  '(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)-02-29';
const DAY =
  '\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))';
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d';

/**
 * A time with an offset, of a day that exists, as `Date.parse` reads it: ISO 8601, whose seconds may be left out,
 * or RFC 3339, whose letters may be in lower case.
 */
export const INSTANT = new RegExp(
  `^(?:${LEAP_DAY}|${DAY})[Tt]${TIME}(?::[0-5]\\d(?:\\.\\d+)?)?(?:[Zz]|[+-]${TIME})$`,
);
