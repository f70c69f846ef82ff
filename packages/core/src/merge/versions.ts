import type { Batch } from "../columns/batch.ts";
import { castVector } from "../columns/cast.ts";
import { materialize } from "../columns/dictionary.ts";
import { isValid, type FixedVector } from "../columns/vector.ts";
import type { RowCounts } from "../destination.ts";
import { ChangeKind } from "./change-rows.ts";
import type { Changelog } from "./changelog.ts";
import { NO_ROW, type FoldedHistory } from "./fold-history.ts";
import { sameValues } from "./same-rows.ts";
import type { StoredRows } from "./stored-rows.ts";

/**
 * Marks the events that change something: rows that differ from the one that their key had before, and ends. Of equal rows only the first is marked.
 *
 * @param rows the rows of all events that have one, in the order of events, with the columns that are compared: all but the system's and the
 *   validity columns
 * @param active active versions, of the same columns
 * @param activeRows for each entry the row of `active`, -1 for none
 */
export function keepChanged(
  { starts, rows: events }: FoldedHistory,
  rows: Batch,
  active: Batch,
  activeRows: Int32Array,
): Uint8Array {
  const within = rows.columns.map((column) => sameValues(column, column));
  const against = rows.columns.map((column, k) => sameValues(active.columns[k]!, column));
  const keep = new Uint8Array(events.length);
  let row = -1;
  for (let entry = 0; entry + 1 < starts.length; entry++) {
    // The row that the key has, in `rows`; -1 while it is the active version; -2: none.
    let before = activeRows[entry]! < 0 ? -2 : -1;
    for (let event = starts[entry]!; event < starts[entry + 1]!; event++) {
      if (events[event] === NO_ROW) {
        keep[event] = before === -2 ? 0 : 1;
        before = -2;
        continue;
      }
      row += 1;
      const last = before;
      const now = row;
      const same =
        last >= 0
          ? within.every((equal) => equal(last, now))
          : last === -1 && against.every((equal) => equal(activeRows[entry]!, now));
      if (same) continue;
      keep[event] = 1;
      before = now;
    }
  }
  return keep;
}

/** The versions that a load begins and ends, with their times in µs since 1970. */
export interface Versions {
  /** The events that begin a version, ascending. */
  readonly events: Int32Array;
  /** When each of them begins. */
  readonly from: BigInt64Array;
  /** When it ends; {@link ACTIVE} while it is active. */
  readonly to: BigInt64Array;
  /** For each entry when the version ends that was active before the load; {@link ACTIVE} where it stays, or there is none. */
  readonly ended: BigInt64Array;
  /** What was done to versions of the keys in the load. */
  readonly counts: RowCounts;
}

/** In {@link Versions}: it has no end. */
export const ACTIVE: bigint = -(2n ** 63n);

/**
 * The times of versions. Events of a key happen at the boundary, each 1 µs later for every version of the key that the load began before; or at
 * the time in the column that says so, where it holds one, but never before the version that they end began.
 *
 * @param keep the events that count, see {@link keepChanged}
 * @param boundary the load's boundary in µs since 1970
 */
export function versionTimes(
  { starts, rows, positions }: FoldedHistory,
  keep: Uint8Array,
  changelog: Changelog,
  boundary: bigint,
  active: StoredRows,
): Versions {
  const times =
    changelog.boundary &&
    materialize(castVector(changelog.boundary, { kind: "timestamp", zone: "utc" }, "boundary"));
  const entries = starts.length - 1;
  const events: number[] = [];
  const from: bigint[] = [];
  const to: bigint[] = [];
  const ended = new BigInt64Array(entries).fill(ACTIVE);
  let [inserted, updated, deleted] = [0, 0, 0];
  for (let entry = 0; entry < entries; entry++) {
    let isActive = active.present[entry] === 1;
    let since = isActive && active.since !== undefined ? active.since[entry]! : ACTIVE;
    let begun = 0n;
    let last = -1;
    for (let event = starts[entry]!; event < starts[entry + 1]!; event++) {
      if (keep[event] === 0) continue;
      const position = positions[event]!;
      let time = boundary + begun;
      const isTruncate = (changelog.kinds[position]! & ChangeKind.mask) === ChangeKind.truncate;
      if (times !== undefined && times.layout !== "null" && !isTruncate && isValid(times, position))
        time = (times as FixedVector).values[position] as bigint;
      if (isActive && time < since) time = since;
      const begins = rows[event] !== NO_ROW;
      if (isActive) {
        if (last < 0) ended[entry] = time;
        else to[last] = time;
        if (begins) updated += 1;
        else deleted += 1;
      }
      isActive = begins;
      if (!begins) continue;
      inserted += 1;
      begun += 1n;
      since = time;
      last = events.push(event) - 1;
      from.push(time);
      to.push(ACTIVE);
    }
  }
  return {
    events: Int32Array.from(events),
    from: BigInt64Array.from(from),
    to: BigInt64Array.from(to),
    ended,
    counts: { inserted, updated, deleted },
  };
}
