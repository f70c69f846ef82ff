import { bitWidth, packBits } from "./bitpack.ts";
import { writeVarint } from "./hybrid.ts";

/**
 * DELTA_BINARY_PACKED, writing side: blocks of 128 differences in four miniblocks, each packed with its own width.
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md#DELTAENC
 */

const BLOCK = 128;
const MINIBLOCKS = 4;
const MINIBLOCK = BLOCK / MINIBLOCKS;

const sharedDeltas = new Int32Array(BLOCK);
const sharedMax = new Int32Array(MINIBLOCKS);
const sharedHigh = new Int32Array(MINIBLOCK);
const sharedWide = new Float64Array(BLOCK);

/** The most bytes that {@link encodeDelta32} (and, with `wide`, {@link encodeDeltaWide}) writes for `count` values. */
export function deltaBound(count: number, isWide: boolean): number {
  const blocks = Math.ceil(count / BLOCK);
  return 32 + blocks * (10 + MINIBLOCKS + BLOCK * (isWide ? 8 : 4));
}

/**
 * Encodes 32-bit values; differences wrap around, as the format wants for INT32. For INT64 the values must lie so close together
 * that every difference fits 32 bits. Returns the position after them.
 */
export function encodeDelta32(values: Int32Array, count: number, out: Uint8Array, position: number): number {
  const deltas = sharedDeltas;
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  let at = writeHeader(count, out, position);
  let previous = count > 0 ? values[0]! : 0;
  at = writeZigzag(previous, out, at);
  for (let start = 1; start < count; start += BLOCK) {
    const size = Math.min(BLOCK, count - start);
    let min = 0x7fff_ffff;
    for (let mini = 0, i = 0; i < size; mini++) {
      let max = -0x8000_0000;
      for (const to = Math.min(size, i + MINIBLOCK); i < to; i++) {
        const value = values[start + i]!;
        const delta = (value - previous) | 0;
        previous = value;
        deltas[i] = delta;
        if (delta < min) min = delta;
        if (delta > max) max = delta;
      }
      sharedMax[mini] = max;
    }
    at = writeZigzag(min, out, at);
    const widths = at;
    at += MINIBLOCKS;
    // The last miniblock is filled up with zeros.
    if (size < BLOCK) deltas.fill(min, size, BLOCK);
    for (let mini = 0; mini < MINIBLOCKS; mini++) {
      const from = mini * MINIBLOCK;
      const width = from < size ? bitWidth((sharedMax[mini]! - min) | 0) : 0;
      out[widths + mini] = width;
      if (width === 0) continue;
      let held = 0;
      let bits = 0;
      for (let i = from; i < from + MINIBLOCK; i++) {
        const delta = deltas[i]! - min;
        held |= delta << bits;
        bits += width;
        if (bits >= 32) {
          view.setInt32(at, held, true);
          at += 4;
          bits -= 32;
          held = bits === 0 ? 0 : delta >>> (width - bits);
        }
      }
    }
  }
  return at;
}

/** Encodes integers held in doubles, all within ±2^51 so that every difference is exact. Returns the position after them. */
export function encodeDeltaWide(
  values: Float64Array,
  count: number,
  out: Uint8Array,
  position: number,
): number {
  const deltas = sharedDeltas;
  const high = sharedHigh;
  const wide = sharedWide;
  let at = writeHeader(count, out, position);
  let previous = count > 0 ? values[0]! : 0;
  at = writeZigzag(previous, out, at);
  for (let start = 1; start < count; start += BLOCK) {
    const size = Math.min(BLOCK, count - start);
    let min = Infinity;
    for (let i = 0; i < size; i++) {
      const value = values[start + i]!;
      const delta = value - previous;
      previous = value;
      wide[i] = delta;
      if (delta < min) min = delta;
    }
    at = writeZigzag(min, out, at);
    const widths = at;
    at += MINIBLOCKS;
    for (let mini = 0; mini < MINIBLOCKS; mini++) {
      const from = mini * MINIBLOCK;
      const to = Math.min(from + MINIBLOCK, size);
      let max = 0;
      for (let i = from; i < to; i++) {
        const delta = wide[i]! - min;
        wide[i] = delta;
        if (delta > max) max = delta;
      }
      if (from >= size || max === 0) {
        out[widths + mini] = 0;
        continue;
      }
      for (let i = from; i < to; i++) deltas[i - from] = wide[i]! | 0;
      if (to - from < MINIBLOCK) deltas.fill(0, to - from, MINIBLOCK);
      if (max < 4294967296) {
        const width = bitWidth(max | 0);
        out[widths + mini] = width;
        at = packBits(deltas, 0, MINIBLOCK, width, out, at);
        continue;
      }
      for (let i = 0; i < MINIBLOCK; i++)
        high[i] = from + i < to ? Math.floor(wide[from + i]! / 4294967296) : 0;
      const width = 32 + bitWidth(Math.floor(max / 4294967296));
      out[widths + mini] = width;
      at = packWide(deltas, high, width, out, at);
    }
  }
  return at;
}

/** Packs one miniblock of values wider than 32 bits, given as low and high words. */
function packWide(
  low: Int32Array,
  top: Int32Array,
  width: number,
  out: Uint8Array,
  position: number,
): number {
  let at = position;
  let held = 0;
  let bits = 0;
  const put = (value: number, size: number) => {
    held |= value << bits;
    bits += size;
    if (bits < 32) return;
    out[at] = held;
    out[at + 1] = held >>> 8;
    out[at + 2] = held >>> 16;
    out[at + 3] = held >>> 24;
    at += 4;
    bits -= 32;
    held = bits === 0 ? 0 : value >>> (size - bits);
  };
  for (let i = 0; i < MINIBLOCK; i++) {
    put(low[i]!, 32);
    put(top[i]!, width - 32);
  }
  return at;
}

function writeHeader(count: number, out: Uint8Array, position: number): number {
  let at = writeVarint(BLOCK, out, position);
  at = writeVarint(MINIBLOCKS, out, at);
  return writeVarint(count, out, at);
}

function writeZigzag(value: number, out: Uint8Array, position: number): number {
  return writeVarint(value >= 0 ? value * 2 : -value * 2 - 1, out, position);
}
