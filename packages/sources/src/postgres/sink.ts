import type { Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import type { Block, ColumnReader } from "./decode/block.ts";

/** Most rows of one batch. */
const MAX_ROWS = 65_536;

/** A batch with what goes with it. */
export interface ReadyBatch {
  readonly batch: Batch;
  /** What it holds in memory, about. */
  readonly bytes: number;
  /** Gives its arrays back, for later batches: nobody may read them afterwards. */
  readonly release: () => void;
}

/** Turns blocks into batches of about `bytes` bytes. */
export interface BatchSink {
  /** Appends a block's rows; hands on a batch when it is full. */
  add(block: Block): void;
  /** Hands on what is left. */
  flush(): void;
  /** Rows so far. */
  readonly rows: number;
}

/** One reader per field of the schema, in order. */
export function createSink(
  schema: Schema,
  readers: readonly ColumnReader[],
  bytes: number,
  onBatch: (ready: ReadyBatch) => void,
): BatchSink {
  let pending = 0;
  let rows = 0;
  const size = (): number => {
    let sum = 0;
    for (const { builder } of readers) sum += builder.byteLength;
    return sum;
  };
  const flush = (): void => {
    if (pending === 0) return;
    const held = size();
    const columns = readers.map(({ builder }) => builder.finish());
    const length = pending;
    pending = 0;
    let out = true;
    onBatch({
      batch: { schema, length, columns },
      bytes: held,
      release() {
        if (!out) return;
        out = false;
        for (let column = 0; column < readers.length; column++)
          readers[column]!.builder.recycle(columns[column]!);
      },
    });
  };
  return {
    add(block) {
      for (let column = 0; column < readers.length; column++) readers[column]!.read(block, column);
      pending += block.rows;
      rows += block.rows;
      if (pending >= MAX_ROWS || size() >= bytes) flush();
    },
    flush,
    get rows() {
      return rows;
    },
  };
}
