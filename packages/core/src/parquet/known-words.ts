import { FREE, workplace } from "./kernel.ts";
import { FEW, KnownValues, TABLE } from "./known-values.ts";

/** Values that are looked at together. */
const ROWS = 4096;

// The memory, by addresses in bytes: table (a value may be up to three places behind its own), indexes, values.
const TABLE_BYTES: number = (512 + 3) * 16;
const INDEXES: number = TABLE + TABLE_BYTES;
const VALUES: number = INDEXES + 4 * ROWS;
const SIZE: number = VALUES + 8 * ROWS - FREE;

/** {@link KnownValues} of one or two words of 32 bits. */
export class KnownWords {
  private readonly width: 1 | 2;
  private readonly known = new KnownValues(TABLE_BYTES);

  /** `width`: words of a value. */
  constructor(width: 1 | 2) {
    this.width = width;
  }

  /** Bytes held. */
  get memory(): number {
    return this.known.memory;
  }

  /**
   * Writes the indexes of the first `count` of `values` to `out` from `at` on; for a value that it does not know it asks `indexOf`. Returns how many:
   * up to one for which `indexOf` gave -1, and fewer where the values are too many for this to pay.
   */
  index(
    values: Int32Array,
    count: number,
    out: Int32Array,
    at: number,
    indexOf: (row: number) => number,
  ): number {
    const { width, known } = this;
    const size = width === 1 ? 2 : 3;
    let done = 0;
    while (known.pays && count - done >= FEW) {
      const from = done;
      const rows = Math.min(count - from, ROWS);
      const place = workplace(SIZE);
      const { kernel, words } = place;
      words.set(values.subarray(from * width, (from + rows) * width), VALUES >> 2);
      const stopped = known.search(place, {
        rows,
        indexes: INDEXES,
        find: (row) => kernel.findWords(TABLE, VALUES, size, row, rows, INDEXES),
        keep: (row, index) => kernel.keepWord(TABLE, VALUES, size, row, index),
        indexOf: (row) => indexOf(from + row),
      });
      out.set(words.subarray(INDEXES >> 2, (INDEXES >> 2) + stopped), at + from);
      done += stopped;
      if (stopped < rows) break;
    }
    return done;
  }
}
