import type { BytesVector } from "../columns/vector.ts";
import {
  DATA,
  INDEXES,
  OFFSETS,
  TABLE,
  TABLE_BYTES,
  TEXT_BYTES,
  TEXT_ROWS,
  textPlace,
} from "./text-place.ts";

/** Fewer are done before all is in place. */
const FEW = 256;

/** The values of a dictionary that were seen last, found by a kernel. All dictionaries share its memory, and put their tables there when they look. */
export class KnownTexts {
  /** Absent until there are rows enough. */
  private table: Uint8Array | undefined;
  private pays = true;

  /** Bytes held. */
  get memory(): number {
    return this.table?.length ?? 0;
  }

  /**
   * Writes the indexes of rows `[start, end)` to `out` from `at` on; for a value that it does not know it asks `indexOf`. Returns the row at which it
   * stopped: where `indexOf` gave -1, and early where the values are too many or too long for this to pay.
   */
  index(
    { offsets, data }: BytesVector,
    start: number,
    end: number,
    out: Int32Array,
    at: number,
    indexOf: (row: number) => number,
  ): number {
    let from = start;
    while (this.pays && end - from >= FEW) {
      const to = Math.min(end, from + TEXT_ROWS);
      const first = offsets[from]!;
      const last = offsets[to]!;
      if (last - first > TEXT_BYTES) break;
      const stopped = this.part(offsets.subarray(from, to + 1), data.subarray(first, last), (row) =>
        indexOf(from + row),
      );
      out.set(textPlace().words.subarray(INDEXES >> 2, (INDEXES >> 2) + stopped), at + from - start);
      from += stopped;
      if (from < to) break;
    }
    return from;
  }

  private part(offsets: Int32Array, data: Uint8Array, indexOf: (row: number) => number): number {
    const { kernel, bytes, words } = textPlace();
    const rows = offsets.length - 1;
    this.table ??= new Uint8Array(TABLE_BYTES);
    bytes.set(this.table, TABLE);
    words.set(offsets, OFFSETS >> 2);
    bytes.set(data, DATA);
    const base = DATA - offsets[0]!;
    let asked = 0;
    let row = 0;
    for (;;) {
      row = kernel.find(TABLE, base, OFFSETS, row, rows, INDEXES);
      if (row === rows) break;
      // A call costs more than to look up a value by hand.
      if (++asked > 64 + (rows >> 3)) {
        this.pays = false;
        break;
      }
      const index = indexOf(row);
      if (index < 0) break;
      words[(INDEXES >> 2) + row] = index;
      kernel.keep(TABLE, base, OFFSETS, row++, index);
    }
    if (asked > 0) this.table.set(bytes.subarray(TABLE, TABLE + TABLE_BYTES));
    return row;
  }
}
