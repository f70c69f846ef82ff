import type { Vector } from "../columns/vector.ts";
import type { MergeStrategy } from "../disposition.ts";
import { ChangeKind } from "./change-rows.ts";
import type { Changelog } from "./changelog.ts";

/** What is known of the stored rows of a changelog's keys, by entry. In `scd2` only active versions are stored rows. */
export interface StoredRows {
  /** 1 where a row of the key is stored. */
  readonly present: Uint8Array;
  /** The order column of the stored rows, a row an entry, null where none is stored. Needed where the merge has an order. */
  readonly order?: Vector | undefined;
  /** `scd2`: when the active versions began, in µs since 1970. Needed where versions begin at the time in a column. */
  readonly since?: BigInt64Array | undefined;
}

/** Which changes must know what is stored before they can be folded. */
export interface StoredNeeds {
  /** Entries whose stored rows must be looked up, and may be part of the result: those with partial or moved rows. Ascending. In `scd2` nothing but `cells` matters. */
  readonly open: Int32Array;
  /** Of these the ones whose whole rows are needed, because cells that were not sent come from there. Ascending. */
  readonly cells: Int32Array;
}

/** What a fold must know of the stored rows: for `insertOnly` and `deleteInsert` nothing. */
export function storedNeeds(changelog: Changelog, strategy: MergeStrategy): StoredNeeds {
  if (strategy === "upsert") return openKeys(changelog, firstChange(changelog));
  return strategy === "scd2" ? openKeys(changelog, 0) : { open: new Int32Array(), cells: new Int32Array() };
}

/** The keys with partial or moved rows from `first` on in the sequence. */
export function openKeys(changelog: Changelog, first: number): StoredNeeds {
  const { kinds, entries, oldEntries, sequence, rows } = changelog;
  const marks = new Uint8Array(changelog.keys.size);
  for (let i = first; i < rows; i++) {
    const at = sequence === undefined ? i : sequence[i]!;
    const kind = kinds[at]!;
    if ((kind & (ChangeKind.partial | ChangeKind.moved)) === 0) continue;
    const entry = entries[at]!;
    const from = (kind & ChangeKind.moved) !== 0 ? oldEntries![at]! : entry;
    marks[entry]! |= 1;
    marks[from]! |= (kind & ChangeKind.partial) !== 0 ? 3 : 1;
  }
  return { open: marked(marks, 1), cells: marked(marks, 2) };
}

/** Where in the sequence the changes after the last truncate begin; 0 where there is none. */
export function firstChange({ kinds, sequence, rows }: Changelog): number {
  for (let i = rows - 1; i >= 0; i--)
    if ((kinds[sequence === undefined ? i : sequence[i]!]! & ChangeKind.mask) === ChangeKind.truncate)
      return i + 1;
  return 0;
}

/** Whether the load truncates the table. Then no stored row is left, unless the strategy is `insertOnly`. */
export function isTruncated(changelog: Changelog): boolean {
  return firstChange(changelog) > 0;
}

function marked(marks: Uint8Array, bit: number): Int32Array {
  const found: number[] = [];
  for (let entry = 0; entry < marks.length; entry++) if ((marks[entry]! & bit) !== 0) found.push(entry);
  return Int32Array.from(found);
}
