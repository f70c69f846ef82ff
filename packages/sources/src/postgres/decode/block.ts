import { AlluviumError } from "@alluvium/core";
import type { Builder, FixedBuilder } from "@alluvium/core/columns";
import { blockRows, type CopyMemory, type FieldKernel } from "./memory.ts";

/**
 * Some rows whose fields have been found but not yet decoded: the border between cutting the stream into fields and turning fields
 * into columns. Decoding goes column by column over a block, so that each loop sees one type of value only.
 */
export interface Block {
  /** What the kernels work in, the rows' bytes among it. */
  readonly memory: CopyMemory;
  /** The memory's bytes. */
  readonly bytes: Uint8Array;
  /** Over the same memory as `bytes`. */
  readonly view: DataView;
  /** Number of rows. */
  readonly rows: number;
  /**
   * Where field `column` of row `row` begins: `starts[column * stride + row]`; -1 for null. The four bytes before a field hold its length,
   * big endian.
   */
  readonly starts: Int32Array;
  /** Places per column in `starts`: at least `rows`. */
  readonly stride: number;
}

/** Turns one column's fields into rows of a builder. Chosen once per statement. */
export interface ColumnReader {
  readonly builder: Builder;
  /** Appends a row per row of the block. */
  read(block: Block, column: number): void;
}

/**
 * Called with the text of a value that the column's type cannot hold (NaN, an infinity, a number with more digits than declared).
 * Returns to put null in its place, or throws.
 */
export type OnSpecial = (text: string) => void;

/** Notes that row `row` is null: for loops that write past `builder.length` and set it at their end. */
export function markNull(builder: Builder, row: number): void {
  builder.validity[row >> 3]! &= ~(1 << (row & 7));
  builder.nullCount += 1;
}

/** The stream holds something that it should not: the server speaks otherwise than thought, or a proxy changed bytes. */
export function malformed(what: string): AlluviumError {
  return new AlluviumError(
    "ALV_SOURCE_FAILED",
    `the server's binary COPY stream cannot be decoded: ${what}. If a proxy stands between, connect to the server directly`,
    { step: "read" },
  );
}

/** The length that stands before a field; -1 for null. */
export function fieldLength(view: DataView, at: number): number {
  const length = view.getInt32(at);
  if (length < -1) throw malformed(`a field of ${length} bytes`);
  return length;
}

/**
 * Checks the width of the column's first value in the block. All of a column's fields come from one function of the server, so one that
 * has the width vouches for the others.
 */
export function checkFirst({ view, starts, rows, stride }: Block, column: number, width: number): void {
  for (let at = column * stride, end = at + rows; at < end; at++) {
    const start = starts[at]!;
    if (start < 0) continue;
    const length = view.getInt32(start - 4);
    if (length !== width) throw malformed(`a field of ${length} bytes where ${width} were expected`);
    return;
  }
}

/**
 * Appends a row per row of the block, whose fields a kernel turns into values of 32 or 64 bits. What the kernel leaves is null, once `onLeft`, which
 * gets where the field begins, returns.
 */
export function appendWords(
  block: Block,
  column: number,
  builder: FixedBuilder,
  kernel: FieldKernel,
  onLeft: (start: number) => void = unexpected,
): void {
  const { memory, rows } = block;
  const width = builder.values.BYTES_PER_ELEMENT >> 2;
  builder.reserve(rows);
  for (let done = 0; done < rows; done += blockRows) {
    const count = Math.min(blockRows, rows - done);
    const starts = memory.startsOf(block, column, done, count);
    const first = builder.length;
    const startOf = (row: number): number => memory.words[(starts >> 2) + row]!;
    const nulls = memory.decode(kernel, starts, count, (row) => {
      onLeft(startOf(row));
      markNull(builder, first + row);
    });
    builder.words.set(memory.decoded(count * width), first * width);
    if (nulls > 0) for (let row = 0; row < count; row++) if (startOf(row) < 0) markNull(builder, first + row);
    builder.length = first + count;
  }
}

function unexpected(): never {
  throw new AlluviumError("ALV_INTERNAL", "a kernel left a field that it should have decoded");
}
