import type { BytesVector } from "../columns/vector.ts";
import { SLACK, workplace, FREE } from "./kernel.ts";
import { FEW, KnownValues, TABLE } from "./known-values.ts";

/** Rows that are looked at together, and the most bytes that they may have: longer ones gain nothing. */
const ROWS = 8192;
const BYTES = 512 * 1024;

// The memory, by addresses in bytes: table, offsets, indexes, texts.
const TABLE_BYTES: number = 64 * 4 * 64;
const OFFSETS: number = TABLE + TABLE_BYTES;
const INDEXES: number = OFFSETS + 4 * (ROWS + 2);
const DATA: number = INDEXES + 4 * ROWS;
const SIZE: number = DATA + BYTES + SLACK - FREE;

/** {@link KnownValues} that are texts or bytes. */
export class KnownTexts {
  private readonly known = new KnownValues(TABLE_BYTES);

  /** Bytes held. */
  get memory(): number {
    return this.known.memory;
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
    while (this.known.pays && end - from >= FEW) {
      const begin = from;
      const rows = Math.min(end - begin, ROWS);
      const first = offsets[begin]!;
      const last = offsets[begin + rows]!;
      if (last - first > BYTES) break;
      const place = workplace(SIZE);
      const { kernel, bytes, words } = place;
      words.set(offsets.subarray(begin, begin + rows + 1), OFFSETS >> 2);
      bytes.set(data.subarray(first, last), DATA);
      const base = DATA - first;
      const stopped = this.known.search(place, {
        rows,
        indexes: INDEXES,
        find: (row) => kernel.findTexts(TABLE, base, OFFSETS, row, rows, INDEXES),
        keep: (row, index) => kernel.keepText(TABLE, base, OFFSETS, row, index),
        indexOf: (row) => indexOf(begin + row),
      });
      out.set(words.subarray(INDEXES >> 2, (INDEXES >> 2) + stopped), at + begin - start);
      from += stopped;
      if (stopped < rows) break;
    }
    return from;
  }
}
