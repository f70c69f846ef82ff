import type { ColumnType } from "../schema/types.ts";
import type { ChunkParts } from "./chunk.ts";
import type { Leaf } from "./shape.ts";
import { type Bounds, type LeafStatistics, mergeBounds } from "./statistics.ts";

/** What a file holds in one leaf column. Its bounds are exact values of the column, never cut. */
export interface LeafSummary extends LeafStatistics {
  /** Names in the file from the column down; inside lists and maps also `list`, `element`, `key_value`, `key`, `value`. */
  readonly path: readonly string[];
  readonly type: ColumnType;
  /** Whether the leaf lies inside a list or map, so that a row may have any number of its values. */
  readonly repeated: boolean;
  /** Values that are not null. */
  readonly values: number;
  /** Bytes in the file. */
  readonly compressedBytes: number;
  /** The same before compression. */
  readonly uncompressedBytes: number;
}

/** Adds up the chunks of each leaf. */
export class SummaryBuilder {
  private readonly leaves: readonly Leaf[];
  private readonly sums: Sum[];

  constructor(leaves: readonly Leaf[]) {
    this.leaves = leaves;
    this.sums = leaves.map(() => ({
      values: 0,
      nulls: 0,
      compressed: 0,
      uncompressed: 0,
      bounds: undefined,
      sawNaN: false,
    }));
  }

  add(chunk: ChunkParts, uncompressed: number, compressed: number): void {
    const sum = this.sums[chunk.leaf.index]!;
    sum.values += chunk.values - chunk.nulls;
    sum.nulls += chunk.nulls;
    sum.compressed += compressed;
    sum.uncompressed += uncompressed;
    sum.bounds = mergeBounds(sum.bounds, chunk.bounds);
    sum.sawNaN ||= chunk.sawNaN;
  }

  finish(): LeafSummary[] {
    return this.leaves.map(({ path, type, maxRepetition, index }) => {
      const { values, nulls, compressed, uncompressed, bounds, sawNaN } = this.sums[index]!;
      return {
        path,
        type,
        repeated: maxRepetition > 0,
        values,
        nulls,
        compressedBytes: compressed,
        uncompressedBytes: uncompressed,
        ...(sawNaN ? { sawNaN } : bounds),
      };
    });
  }
}

interface Sum {
  values: number;
  nulls: number;
  compressed: number;
  uncompressed: number;
  bounds: Bounds | undefined;
  sawNaN: boolean;
}
