import { FREE, type Workplace } from "./kernel.ts";

/** Fewer rows are done before all is in place. */
export const FEW = 256;
/** Where the table is while it is searched. */
export const TABLE: number = FREE;

/** A search of some rows. */
export interface KnownSearch {
  readonly rows: number;
  /** Where the indexes go. */
  readonly indexes: number;
  /** The kernel's search from a row on; returns the row at which it stopped. */
  readonly find: (row: number) => number;
  /** The kernel's way to keep a row's value. */
  readonly keep: (row: number, index: number) => void;
  /** The index of a value that is not in the table; -1 where it has none. Must not use kernels: their memory is in use. */
  readonly indexOf: (row: number) => number;
}

/**
 * The values of a dictionary that were seen last, in a small table that a kernel searches. All dictionaries share the kernel's memory, and put their tables
 * there when they look.
 */
export class KnownValues {
  /** Whether most values are in the table. */
  pays = true;
  /** Absent until there are rows enough. */
  private table: Uint8Array | undefined;
  private readonly size: number;

  /** `size`: bytes of the table. */
  constructor(size: number) {
    this.size = size;
  }

  /** Bytes held. */
  get memory(): number {
    return this.table?.length ?? 0;
  }

  /** Returns the row at which it stopped: where `indexOf` gave -1, and early where too many are asked for. */
  search({ bytes, words }: Workplace, { rows, indexes, find, keep, indexOf }: KnownSearch): number {
    this.table ??= new Uint8Array(this.size);
    bytes.set(this.table, TABLE);
    let asked = 0;
    let row = 0;
    for (;;) {
      row = find(row);
      if (row === rows) break;
      // A call costs more than to look up a value by hand.
      if (++asked > 64 + (rows >> 3)) {
        this.pays = false;
        break;
      }
      const index = indexOf(row);
      if (index < 0) break;
      words[(indexes >> 2) + row] = index;
      keep(row++, index);
    }
    if (asked > 0) this.table.set(bytes.subarray(TABLE, TABLE + this.size));
    return row;
  }
}
