import { kernelPlace, type KernelMemory } from "../columns/kernel.ts";
import { code } from "./kernel-code.ts";

/** The functions of `kernels/`, where they are described. All work in one memory; each use ends before the next begins. */
export interface ParquetKernel {
  readonly memory: KernelMemory;
  /** What the last search for bounds found. */
  readonly least: { readonly value: bigint };
  readonly greatest: { readonly value: bigint };
  unpack(from: number, width: number, count: number, to: number): void;
  hybrid(from: number, count: number, width: number, to: number): number;
  bounds32(from: number, count: number): void;
  bounds64(from: number, count: number): void;
  delta32(from: number, count: number, to: number): number;
  delta64(from: number, count: number, to: number): number;
  decompress(at: number, end: number, to: number, limit: number): number;
  findTexts(table: number, data: number, offsets: number, row: number, rows: number, out: number): number;
  keepText(table: number, data: number, offsets: number, row: number, index: number): void;
  splitTexts(from: number, end: number, most: number, offsets: number, base: number, to: number): number;
  findWords(table: number, values: number, size: number, row: number, rows: number, out: number): number;
  keepWord(table: number, values: number, size: number, row: number, index: number): void;
}

/** A kernel with what its memory is now. */
export interface Workplace {
  readonly kernel: ParquetKernel;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/** The first address that is free: before it kernels keep what they need. */
export const FREE = 2048;
/** What a kernel may read and write behind what it is given. */
export const SLACK = 64;

const kernelFor: (end: number) => ParquetKernel = kernelPlace<ParquetKernel>(code);
/** Making views costs more than most of what is done with them. */
const places = new WeakMap<ArrayBuffer, Workplace>();

/** A place for `size` bytes from {@link FREE} on. */
export function workplace(size: number): Workplace {
  const kernel = kernelFor(FREE + size + SLACK);
  const { buffer } = kernel.memory;
  let place = places.get(buffer);
  if (place === undefined) {
    place = { kernel, bytes: new Uint8Array(buffer), words: new Int32Array(buffer) };
    places.set(buffer, place);
  }
  return place;
}

/** The first place behind `size` bytes at {@link FREE}, for values of eight bytes. */
export function after(size: number): number {
  return FREE + ((size + SLACK + 7) & ~7);
}
