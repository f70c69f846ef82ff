import { kernelPlace, type KernelMemory } from "../columns/kernel.ts";
import { code } from "./texts-kernel.ts";

/** See `kernels/texts.ts`. */
interface TextKernel {
  readonly memory: KernelMemory;
  find(table: number, data: number, offsets: number, row: number, rows: number, out: number): number;
  keep(table: number, data: number, offsets: number, row: number, index: number): void;
  split(from: number, end: number, most: number, offsets: number, base: number, to: number): number;
}

/** Texts are looked at in parts of so many rows, and of at most so many bytes. */
export const TEXT_ROWS = 8192;
export const TEXT_BYTES: number = 512 * 1024;
/** What a kernel reads and writes beyond them. */
const SLACK = 64;

// The memory, by addresses in bytes: a table of known texts, offsets, indexes, texts, and texts that were gathered.
export const TABLE = 1024;
export const TABLE_BYTES: number = 64 * 4 * 64;
export const OFFSETS: number = TABLE + TABLE_BYTES;
export const INDEXES: number = OFFSETS + 4 * (TEXT_ROWS + 2);
export const DATA: number = INDEXES + 4 * TEXT_ROWS;
export const GATHERED: number = DATA + TEXT_BYTES + SLACK;
const END: number = GATHERED + TEXT_BYTES + SLACK;

/** The kernel for texts with its memory, which all share: each use ends before the next begins. */
interface TextPlace {
  readonly kernel: TextKernel;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

const kernelFor: (end: number) => TextKernel = kernelPlace<TextKernel>(code);
let place: TextPlace | undefined;

export function textPlace(): TextPlace {
  return (place ??= openPlace());
}

function openPlace(): TextPlace {
  const kernel = kernelFor(END);
  const { buffer } = kernel.memory;
  return { kernel, bytes: new Uint8Array(buffer), words: new Int32Array(buffer) };
}
