import { AlluviumError } from "@alluvium/core";
import { instantiate, type KernelMemory } from "@alluvium/core/columns";
import type { Block } from "./block.ts";
import { code } from "./copy-kernel.ts";

/** A kernel over a column's fields: from row `from` to `rows`, values to address `to`. Returns the row that it left to the caller, or `rows`. */
export type FieldKernel = (starts: number, from: number, rows: number, to: number) => number;

/** See `kernels/copy.ts`. */
interface CopyKernel {
  readonly memory: KernelMemory;
  readonly located: { readonly value: number };
  readonly nulls: { readonly value: number };
  readonly gathered: { readonly value: number };
  locate(from: number, end: number, columns: number, starts: number, stride: number, most: number): number;
  readonly words32: FieldKernel;
  readonly words64: FieldKernel;
  dates(starts: number, from: number, rows: number, to: number, shift: number): number;
  timestamps(starts: number, from: number, rows: number, to: number, shift: bigint): number;
  numerics(starts: number, from: number, rows: number, to: number, scale: number): number;
  texts(
    starts: number,
    from: number,
    rows: number,
    skip: number,
    to: number,
    limit: number,
    base: number,
    offsets: number,
  ): number;
}

/** Rows located before they are handed on, and most rows that a kernel takes at once. */
export const blockRows = 1024;
/** Places per column in `starts`: not a multiple of the 4 KiB after which places share a set of the processor's cache. */
export const startsStride: number = blockRows + 16;

/** Kernels copy by words of 16 bytes, the last one beyond the end, and read a size before they know that it is in the row. */
const SLACK = 16;
const PAGE = 1 << 16;

// The memory, by addresses in bytes: from 1024 on the kernels' constants, then values of one column, ends of texts, starts of nested fields, gathered texts, starts of all columns, the stream.
const VALUES = 2048;
const OFFSETS: number = VALUES + 8 * blockRows;
const NESTED: number = OFFSETS + 4 * blockRows;
const TEXTS: number = NESTED + 4 * blockRows;
const TEXTS_END: number = TEXTS + 128 * 1024;
const STARTS: number = TEXTS_END + 64;

/** The memory in which a COPY stream is decoded, and the kernels that work there. */
export class CopyMemory {
  readonly kernel: CopyKernel = instantiate<CopyKernel>(code);
  /** Address of the stream's bytes. */
  readonly stream: number;
  /** All of the memory. The views are others after `reserve`. */
  bytes!: Uint8Array;
  view!: DataView;
  words!: Int32Array;
  /** Where fields begin: see {@link Block}. */
  starts!: Int32Array;

  /** `columns`: fields of a row. `room`: bytes of the stream that it must hold. */
  constructor(columns: number, room: number) {
    this.stream = STARTS + 4 * columns * startsStride;
    this.#look();
    this.reserve(room);
  }

  /** Makes room for `room` bytes of the stream. Where there is none: `ALV_VALUE_TOO_LARGE`. */
  reserve(room: number): void {
    const missing = this.stream + room + SLACK - this.bytes.length;
    if (missing <= 0) return;
    try {
      this.kernel.memory.grow(Math.ceil(missing / PAGE));
    } catch (cause) {
      throw new AlluviumError(
        "ALV_VALUE_TOO_LARGE",
        `a row of a COPY needs ${room} bytes, for which there is no memory: leave out its largest column, or give the process more`,
        { cause },
      );
    }
    this.#look();
  }

  #look(): void {
    const { buffer } = this.kernel.memory;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer);
    if (buffer.byteLength >= this.stream)
      this.starts = new Int32Array(buffer, STARTS, (this.stream - STARTS) >> 2);
  }

  /** Finds rows in the stream from address `from` to `end`: how many, and where it stopped. */
  locate(from: number, end: number, columns: number): { readonly rows: number; readonly at: number } {
    const at = this.kernel.locate(from, end, columns, STARTS, startsStride, blockRows);
    return { rows: this.kernel.located.value, at };
  }

  /** The address of a column's starts, `count` of them (at most {@link blockRows}) from row `from` on. */
  startsOf({ starts, stride }: Block, column: number, from: number, count: number): number {
    const at = column * stride + from;
    if (starts === this.starts) return STARTS + 4 * at;
    // Fields within fields were found outside of this memory.
    this.words.set(starts.subarray(at, at + count), NESTED >> 2);
    return NESTED;
  }

  /** Decodes `count` rows; see {@link FieldKernel}. `onLeft` is called for each row that the kernel leaves to the caller. Returns how many are null besides. */
  decode(kernel: FieldKernel, starts: number, count: number, onLeft: (row: number) => void): number {
    let nulls = 0;
    for (let from = 0; ;) {
      const stopped = kernel(starts, from, count, VALUES);
      nulls += this.kernel.nulls.value;
      if (stopped >= count) return nulls;
      onLeft(stopped);
      from = stopped + 1;
    }
  }

  /** `count` words of what was decoded last. */
  decoded(count: number): Int32Array {
    return this.words.subarray(VALUES >> 2, (VALUES >> 2) + count);
  }

  /** Gathers texts from row `from` on, as many as there is room for, and counts nulls; `base` is what their ends count from. */
  gather(
    starts: number,
    from: number,
    count: number,
    skip: number,
    base: number,
  ): {
    readonly next: number;
    readonly data: Uint8Array;
    readonly offsets: Int32Array;
    readonly nulls: number;
  } {
    const next = this.kernel.texts(starts, from, count, skip, TEXTS, TEXTS_END, base, OFFSETS);
    return {
      next,
      data: this.bytes.subarray(TEXTS, this.kernel.gathered.value),
      offsets: this.words.subarray((OFFSETS >> 2) + from, (OFFSETS >> 2) + next),
      nulls: this.kernel.nulls.value,
    };
  }
}
