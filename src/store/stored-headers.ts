import { mongo } from 'mongoose';

/* Receivers and customers choose headers' names, and some keys mean something to BSON, MongoDB or mongoose. */

/** With a hyphen a key means nothing to any of them. */
const MEANS_NOTHING = /^[a-z0-9]+(-[a-z0-9]+)+$/i;
/** Before all other names: none of them can begin with it (RFC 9110, 5.6.2). */
const MARK = ':';

/** Headers as an attempt is stored with them. */
export function storedHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      MEANS_NOTHING.test(name) ? name : MARK + name,
      value,
    ]),
  );
}

/** The headers of a stored attempt; earlier versions have stored all names as they are. */
export function headersOf(stored: Record<string, string>): Record<string, string> {
  // What the driver makes of `$ref` and `$id`.
  const headers =
    (stored as unknown) instanceof mongo.BSON.DBRef
      ? (stored as unknown as mongo.BSON.DBRef).toJSON()
      : stored;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.startsWith(MARK) ? name.slice(MARK.length) : name,
      value as string,
    ]),
  );
}
