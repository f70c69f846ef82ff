import { unpackWords } from "./integers.ts";

/** Fewer values than this are done before a kernel is called. */
const FEW = 128;

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
