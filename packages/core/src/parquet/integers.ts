import { kernelPlace, type KernelMemory } from "../columns/kernel.ts";
import { code } from "./integers-kernel.ts";

/** See `kernels/integers.ts`. */
interface IntegerKernel {
  readonly memory: KernelMemory;
  readonly least: { readonly value: bigint };
  readonly greatest: { readonly value: bigint };
  pack(from: number, count: number, width: number, to: number): number;
  unpack(from: number, width: number, count: number, to: number): void;
  bounds64(from: number, count: number): void;
  delta32(from: number, count: number, to: number): number;
  delta64(from: number, count: number, to: number): number;
}

/** A kernel with what its memory is now. */
interface Workplace {
  readonly kernel: IntegerKernel;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/** Where values or packed bits are put in; what becomes of them stands behind. */
const FROM = 2048;
const SLACK = 16;
const kernelFor: (end: number) => IntegerKernel = kernelPlace<IntegerKernel>(code);

/** A place for `size` bytes from {@link FROM} on. */
function workplace(size: number): Workplace {
  const kernel = kernelFor(FROM + size + SLACK);
  const { buffer } = kernel.memory;
  return { kernel, bytes: new Uint8Array(buffer), words: new Int32Array(buffer) };
}

/** The first place after `size` bytes of input, for values of eight bytes. */
function after(size: number): number {
  return FROM + ((size + SLACK + 7) & ~7);
}

/**
 * Appends `count` values of `width` bits (1–32), least significant bit first, and returns the position after them.
 * The last byte is filled up with zeros.
 */
export function packWords(
  values: Int32Array,
  start: number,
  count: number,
  width: number,
  out: Uint8Array,
  position: number,
): number {
  const to = after(4 * count);
  const { kernel, bytes, words } = workplace(to - FROM + 4 * count);
  words.set(values.subarray(start, start + count), FROM >> 2);
  return moved(bytes, to, kernel.pack(FROM, count, width, to), out, position);
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
  const place = workplace(to - FROM + 4 * count);
  place.bytes.set(bytes.subarray(position, position + size), FROM);
  place.kernel.unpack(FROM, width, count, to);
  out.set(place.words.subarray(to >> 2, (to >> 2) + count), start);
}

/** The least and the greatest of `count` values of 64 bits, two words each; at least one. */
export function bounds64(values: Int32Array, count: number): { readonly min: bigint; readonly max: bigint } {
  const { kernel, words } = workplace(8 * count);
  words.set(values.subarray(0, 2 * count), FROM >> 2);
  kernel.bounds64(FROM, count);
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
  const { kernel, bytes, words } = workplace(to - FROM + deltaBound(count, width));
  words.set(values.subarray(0, width * count), FROM >> 2);
  const end = width === 1 ? kernel.delta32(FROM, count, to) : kernel.delta64(FROM, count, to);
  return moved(bytes, to, end, out, position);
}

/** Takes what was written from the kernel's memory; returns the position after it. */
function moved(bytes: Uint8Array, from: number, end: number, out: Uint8Array, position: number): number {
  out.set(bytes.subarray(from, end), position);
  return position + end - from;
}
