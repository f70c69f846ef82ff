import { packBits } from "./bitpack.ts";

/**
 * The RLE / bit-packing hybrid, writing side: levels and dictionary indexes.
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
 */

/** The most bytes that {@link writeHybrid} needs for `count` values. */
export function hybridBound(count: number, width: number): number {
  // Short runs cost a header of up to 5 bytes and a value each 8 values at worst.
  return 32 + (((count + 7) >> 3) + 1) * (width + 1) + (count >> 3) * 9;
}

/** Runs shorter than this are packed. */
const MIN_RUN = 8;

/** Writes `values[start, start + count)`, each of `width` bits, and returns the position after them. */
export function writeHybrid(
  values: Int32Array | Uint8Array,
  start: number,
  count: number,
  width: number,
  out: Uint8Array,
  position: number,
  scratch: Int32Array,
): number {
  if (count === 0) return position;
  const end = start + count;
  // Without long runs one packed run holds all: the usual case for indexes, and a sample shows it.
  const step = Math.max(1, count >> 11);
  let repeats = 0;
  let looked = 0;
  for (let i = start + 1; i < end; i += step, looked++) if (values[i] === values[i - 1]) repeats++;
  if (count >= 2048 && repeats * 2 < looked)
    return writePacked(values, start, count, width, out, position, scratch);
  let at = position;
  let packedFrom = start;
  let i = start;
  while (i < end) {
    const value = values[i]!;
    let runEnd = i + 1;
    while (runEnd < end && values[runEnd] === value) runEnd++;
    // A packed run holds whole groups of eight, so the run that ends it gives up what fills the last group.
    const fill = (8 - ((i - packedFrom) & 7)) & 7;
    if (runEnd - i - fill >= MIN_RUN) {
      if (i > packedFrom)
        at = writePacked(values, packedFrom, i + fill - packedFrom, width, out, at, scratch);
      at = writeRun(value, runEnd - i - fill, width, out, at);
      packedFrom = runEnd;
    }
    i = runEnd;
  }
  if (packedFrom < end) at = writePacked(values, packedFrom, end - packedFrom, width, out, at, scratch);
  return at;
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

function writePacked(
  values: Int32Array | Uint8Array,
  start: number,
  count: number,
  width: number,
  out: Uint8Array,
  position: number,
  scratch: Int32Array,
): number {
  const groups = (count + 7) >> 3;
  const at = writeVarint(groups * 2 + 1, out, position);
  let end = at;
  if (values instanceof Int32Array) end = packBits(values, start, count, width, out, at);
  else
    for (let done = 0; done < count; done += scratch.length) {
      // The scratch length is a multiple of eight, so that each part ends on a byte.
      const part = Math.min(scratch.length, count - done);
      for (let i = 0; i < part; i++) scratch[i] = values[start + done + i]!;
      end = packBits(scratch, 0, part, width, out, end);
    }
  return out.fill(0, end, at + groups * width) && at + groups * width;
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
