import { hybridBound } from "./hybrid.ts";
import { after, FREE, workplace } from "./kernel.ts";

/**
 * Writes `count` values of `width` bits (0–32) as the RLE / bit-packing hybrid, and returns the position after them.
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
 */
export function encodeHybrid(
  values: Int32Array | Uint8Array,
  count: number,
  width: number,
  out: Uint8Array,
  position: number,
): number {
  const to = after(4 * count);
  const { kernel, bytes, words } = workplace(to - FREE + hybridBound(count, width));
  words.set(values.subarray(0, count), FREE >> 2);
  return moved(bytes, to, kernel.hybrid(FREE, count, width, to), out, position);
}

/** Reads `count` values of `width` bits (1–32) from `bytes` at `position`. The caller has checked that the bytes are there. */
export function unpackWords(
  bytes: Uint8Array,
  position: number,
  width: number,
  out: Int32Array | Uint8Array,
  start: number,
  count: number,
): void {
  const size = Math.ceil((width * count) / 8);
  const to = after(size);
  const place = workplace(to - FREE + 4 * count);
  place.bytes.set(bytes.subarray(position, position + size), FREE);
  place.kernel.unpack(FREE, width, count, to);
  out.set(place.words.subarray(to >> 2, (to >> 2) + count), start);
}

/** The least and the greatest of `count` values of 32 bits; at least one. */
export function bounds32(values: Int32Array, count: number): { readonly min: number; readonly max: number } {
  const { kernel, words } = workplace(4 * count);
  words.set(values.subarray(0, count), FREE >> 2);
  kernel.bounds32(FREE, count);
  return { min: Number(kernel.least.value), max: Number(kernel.greatest.value) };
}

/** The least and the greatest of `count` values of 64 bits, two words each; at least one. */
export function bounds64(values: Int32Array, count: number): { readonly min: bigint; readonly max: bigint } {
  const { kernel, words } = workplace(8 * count);
  words.set(values.subarray(0, 2 * count), FREE >> 2);
  kernel.bounds64(FREE, count);
  return { min: kernel.least.value, max: kernel.greatest.value };
}

/** The most bytes that DELTA_BINARY_PACKED takes for `count` values of `width` words. */
export function deltaBound(count: number, width: 1 | 2): number {
  return 32 + Math.ceil(count / 128) * (10 + 4 + 128 * 4 * width);
}

/**
 * Encodes values of one or two words as DELTA_BINARY_PACKED; differences wrap around. Returns the position after them.
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md#DELTAENC
 */
export function encodeDelta(
  values: Int32Array,
  count: number,
  width: 1 | 2,
  out: Uint8Array,
  position: number,
): number {
  const to = after(4 * width * count);
  const { kernel, bytes, words } = workplace(to - FREE + deltaBound(count, width));
  words.set(values.subarray(0, width * count), FREE >> 2);
  const end = width === 1 ? kernel.delta32(FREE, count, to) : kernel.delta64(FREE, count, to);
  return moved(bytes, to, end, out, position);
}

/** Takes what was written from the kernel's memory; returns the position after it. */
function moved(bytes: Uint8Array, from: number, end: number, out: Uint8Array, position: number): number {
  out.set(bytes.subarray(from, end), position);
  return position + end - from;
}
