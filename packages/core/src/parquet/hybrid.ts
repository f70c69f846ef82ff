/**
 * The RLE / bit-packing hybrid, writing side: its size, and what is written without looking for runs. The rest is a kernel (`encodeHybrid`).
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
 */

/** The most bytes that `count` values of `width` bits take. */
export function hybridBound(count: number, width: number): number {
  // Short runs cost a header of up to 5 bytes and a value each 8 values at worst.
  return 32 + (((count + 7) >> 3) + 1) * (width + 1) + (count >> 3) * 9;
}

/** Writes one run of `count` equal values. */
export function writeRun(
  value: number,
  count: number,
  width: number,
  out: Uint8Array,
  position: number,
): number {
  let at = writeVarint(count * 2, out, position);
  for (let bits = 0; bits < width; bits += 8) out[at++] = value >>> bits;
  return at;
}

/** Writes the first `count` bits of a bitmap as one packed run of 1-bit values. */
export function writePackedBitmap(
  bitmap: Uint8Array,
  count: number,
  out: Uint8Array,
  position: number,
): number {
  const bytes = (count + 7) >> 3;
  const at = writeVarint(bytes * 2 + 1, out, position);
  out.set(bitmap.subarray(0, bytes), at);
  if ((count & 7) !== 0) out[at + bytes - 1]! &= (1 << (count & 7)) - 1;
  return at + bytes;
}

/** Writes an unsigned LEB128 number below 2^53 and returns the position after it. */
function writeVarint(value: number, out: Uint8Array, position: number): number {
  let at = position;
  let rest = value;
  while (rest >= 128) {
    out[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  out[at++] = rest;
  return at;
}
