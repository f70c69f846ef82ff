import type { Batch } from "@alluvium/core/columns";
import type { ParquetFile, ParquetRowGroup, ReadParquetOptions } from "@alluvium/core/parquet";

/** Whether a row group, which begins at a row of its file, is read. */
export type WantsGroup = (group: ParquetRowGroup, firstRow: number) => boolean;

/** Rows of a file. */
export interface RowPiece {
  readonly batch: Batch;
  /** Number of the batch's first row in the file. */
  readonly firstRow: number;
}

/** Reads the row groups of a file that are wanted, and says where in the file each batch stands. */
export async function* readGroups(
  parquet: ParquetFile,
  wants: WantsGroup | undefined,
  options: Omit<ReadParquetOptions, "rowGroups">,
): AsyncGenerator<RowPiece> {
  const groups = wantedGroups(parquet, wants);
  let at = 0;
  let within = 0;
  for await (const batch of parquet.read({ ...options, rowGroups: groups.map(({ index }) => index) })) {
    // Batches do not reach from one row group into the next.
    if (within === groups[at]!.rows) {
      at += 1;
      within = 0;
    }
    yield { batch, firstRow: groups[at]!.firstRow + within };
    within += batch.length;
  }
}

function wantedGroups(
  { rowGroups }: ParquetFile,
  wants: WantsGroup | undefined,
): readonly { readonly index: number; readonly firstRow: number; readonly rows: number }[] {
  let next = 0;
  return rowGroups.flatMap((group, index) => {
    const firstRow = next;
    next += group.rows;
    const wanted = group.rows > 0 && (wants === undefined || wants(group, firstRow));
    return wanted ? [{ index, firstRow, rows: group.rows }] : [];
  });
}
