import { concatBatches, takeBatch, type Batch } from "@alluvium/core/columns";
import type { RowPiece, WantsGroup } from "../../lake/files/row-groups.ts";

/** Rows of several files: of each the number of its file and of its row there. */
export interface RowPlaces {
  readonly file: Int32Array;
  readonly row: Int32Array;
}

/** Reads rows of a file; row groups that are not wanted need not come. */
export type ReadPieces = (file: number, wants: WantsGroup) => AsyncIterable<RowPiece>;

/** Reads rows at their places, in that order. A place may come several times. `undefined`: there are none. */
export async function pickRows(places: RowPlaces, read: ReadPieces): Promise<Batch | undefined> {
  const count = places.row.length;
  const order = Int32Array.from({ length: count }, (_, i) => i).sort(
    (a, b) => places.file[a]! - places.file[b]! || places.row[a]! - places.row[b]!,
  );
  const pieces: Batch[] = [];
  /** Of each place the number of its row among all pieces. */
  const numbers = new Int32Array(count);
  let taken = 0;
  for (let next = 0; next < count;) {
    const file = places.file[order[next]!]!;
    let end = next;
    while (end < count && places.file[order[end]!] === file) end += 1;
    const rows = order.subarray(next, end);
    const wants: WantsGroup = (group, firstRow) => {
      const at = firstAtLeast(rows, places.row, firstRow);
      return at < rows.length && places.row[rows[at]!]! < firstRow + group.rows;
    };
    for await (const { batch, firstRow } of read(file, wants)) {
      const picked: number[] = [];
      let last = -1;
      for (
        let at = firstAtLeast(rows, places.row, firstRow);
        at < rows.length && places.row[rows[at]!]! < firstRow + batch.length;
        at++
      ) {
        const row = places.row[rows[at]!]! - firstRow;
        if (row !== last) picked.push(row);
        last = row;
        numbers[rows[at]!] = taken + picked.length - 1;
      }
      if (picked.length === 0) continue;
      taken += picked.length;
      pieces.push(takeBatch(batch, Int32Array.from(picked)));
    }
    next = end;
  }
  return pieces.length === 0 ? undefined : takeBatch(concatBatches(pieces), numbers);
}

function firstAtLeast(rows: Int32Array, numbers: Int32Array, from: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[rows[middle]!]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
