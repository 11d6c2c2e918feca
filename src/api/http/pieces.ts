import type { IncomingMessage } from 'node:http';

/** Chunks or packets of one body. Clients that write a large event value by value stay below it. */
export const MAX_PIECES = 65_536;
/** So many are passed on as they are: more than bodies usually come in. */
const FIRST_PIECES = 64;
/** Smaller ones are joined, up to so many bytes. */
const JOINED_BYTES = 4096;

/**
 * Joins the small pieces in which a body arrives: whoever reads it keeps all of them until it is complete, and one of
 * a single byte takes hundreds.
 * @param onTooMany called once, when there are too many; nothing more is read
 */
export function joinPieces(request: IncomingMessage, onTooMany: () => void): void {
  const push = request.push.bind(request);
  let pieces = 0;
  let joined: { space: Buffer; bytes: number } | null = null;
  const flush = (): boolean => {
    const ready = joined?.space.subarray(0, joined.bytes);
    joined = null;
    return !ready || push(ready);
  };
  request.push = (piece: Buffer | null): boolean => {
    if (piece === null) {
      if (pieces > MAX_PIECES) {
        // Its end came in the same packet: what is missing of it must not make another body.
        request.complete = false;
        return false;
      }
      flush();
      return push(null);
    }
    pieces += 1;
    if (pieces > MAX_PIECES) {
      if (pieces === MAX_PIECES + 1) onTooMany();
      return false;
    }
    const isSmall = pieces > FIRST_PIECES && piece.length < JOINED_BYTES;
    const fits = isSmall && (joined?.bytes ?? 0) + piece.length <= JOINED_BYTES;
    const wantsMore = fits || flush();
    if (!isSmall) return push(piece) && wantsMore;
    joined ??= { space: Buffer.allocUnsafe(JOINED_BYTES), bytes: 0 };
    piece.copy(joined.space, joined.bytes);
    joined.bytes += piece.length;
    return wantsMore;
  };
}
