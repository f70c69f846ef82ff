import { ChangeKind } from "./change-rows.ts";
import type { Changelog } from "./changelog.ts";
import { combineChains, type CombinedRows } from "./combined-rows.ts";
import { keyStates } from "./key-states.ts";
import { NO_BASE, rowChains } from "./row-chains.ts";
import type { StoredRows } from "./stored-rows.ts";

/**
 * What happens to keys one after another: each event gives the key a row, or takes it away. The events of an entry are
 * `starts[entry]` to `starts[entry + 1] - 1`. Rows that are equal to the one before are still among them.
 */
export interface FoldedHistory {
  readonly starts: Int32Array;
  /**
   * The row that the key has from an event on: its position among the load's rows, the complement (`~row`) of its number among `combined`, or
   * {@link NO_ROW} where the key has none any more.
   */
  readonly rows: Int32Array;
  /** The position of the change that each event comes from. */
  readonly positions: Int32Array;
  /** Rows that are made of several; bases are active versions. */
  readonly combined: CombinedRows;
  /** Whether the table was truncated: then the active versions of keys that the load does not name end too. */
  readonly truncated: boolean;
}

/** In {@link FoldedHistory.rows}: the key has no row. */
export const NO_ROW = -0x8000_0000;

/**
 * Folds the changes of a load to what happens to each key, in order, for `scd2`. `active` says of which keys a version is active; the order
 * column, where there is one, is compared with its value there. The whole active rows that `storedNeeds` names in `cells` may be bases of combined
 * rows. Compare the rows with those before them (`keepChanged`), then give them their times (`versionTimes`).
 */
export function foldHistory(changelog: Changelog, active: StoredRows): FoldedHistory {
  const { kinds, sequence, rows, keys } = changelog;
  const chains = rowChains();
  const events = { entries: [] as number[], rows: [] as number[], positions: [] as number[] };
  const states = keyStates(changelog, active, chains, (entry, row, position) => {
    events.entries.push(entry);
    events.rows.push(row);
    events.positions.push(position);
  });
  let truncated = false;
  for (let i = 0; i < rows; i++) {
    const position = sequence === undefined ? i : sequence[i]!;
    if ((kinds[position]! & ChangeKind.mask) === ChangeKind.truncate) {
      truncated = true;
      states.truncate(position);
    } else states.apply(position);
  }

  const starts = new Int32Array(keys.size + 1);
  for (const entry of events.entries) starts[entry + 1]! += 1;
  for (let entry = 0; entry < keys.size; entry++) starts[entry + 1]! += starts[entry]!;
  const next = starts.slice(0, keys.size);
  const found = new Int32Array(events.rows.length);
  const positions = new Int32Array(events.rows.length);
  const combined: number[] = [];
  for (const [i, entry] of events.entries.entries()) {
    const at = next[entry]!++;
    const row = events.rows[i]!;
    positions[at] = events.positions[i]!;
    if (row === NO_BASE) found[at] = NO_ROW;
    else if (chains.isWhole(row)) found[at] = chains.position(row);
    else found[at] = ~(combined.push(row) - 1);
  }
  return { starts, rows: found, positions, combined: combineChains(chains, combined), truncated };
}
