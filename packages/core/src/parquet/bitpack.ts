import { packWords, unpackWords } from "./integers.ts";

/** Fewer values than this are done before a kernel is called. */
const FEW = 128;

/**
 * Appends `count` values of `width` bits (1–32), least significant bit first, and returns the position after them.
 * The last byte is filled up with zeros. `out` must have room for `(count * width + 7) >> 3` bytes.
 */
export function packBits(
  values: Int32Array,
  start: number,
  count: number,
  width: number,
  out: Uint8Array,
  position: number,
): number {
  if (count >= FEW) return packWords(values, start, count, width, out, position);
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  let at = position;
  let held = 0;
  let bits = 0;
  const end = start + count;
  for (let i = start; i < end; i++) {
    const value = values[i]!;
    held |= value << bits;
    bits += width;
    if (bits >= 32) {
      view.setInt32(at, held, true);
      at += 4;
      bits -= 32;
      // A shift by 32 would be a shift by none.
      held = bits === 0 ? 0 : value >>> (width - bits);
    }
  }
  while (bits > 0) {
    out[at++] = held;
    held >>>= 8;
    bits -= 8;
  }
  return at;
}

/** Reads `count` values of `width` bits (0–32) from `bytes` at `position`. The caller has checked that the bytes are there. */
export function unpackBits(
  bytes: Uint8Array,
  position: number,
  width: number,
  out: Int32Array | Uint8Array,
  start: number,
  count: number,
): void {
  if (width === 0) {
    out.fill(0, start, start + count);
    return;
  }
  if (count >= FEW) return unpackWords(bytes, position, width, out, start, count);
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let at = position;
  let held = 0;
  let bits = 0;
  const end = start + count;
  if (width <= 24) {
    for (let i = start; i < end; i++) {
      while (bits < width) {
        held |= bytes[at++]! << bits;
        bits += 8;
      }
      out[i] = held & mask;
      held >>>= width;
      bits -= width;
    }
    return;
  }
  for (let i = start; i < end; i++) {
    let value = held;
    let have = bits;
    let byte = 0;
    while (have < width) {
      byte = bytes[at++]!;
      value |= byte << have;
      have += 8;
    }
    out[i] = value & mask;
    bits = have - width;
    held = bits === 0 ? 0 : byte >>> (8 - bits);
  }
}

/** Bits needed for the values `0 … max`. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}
