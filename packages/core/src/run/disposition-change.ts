import { abilityOf, type MergeOptions } from "../disposition.ts";
import type { AlluviumError } from "../errors.ts";
import { sameItems } from "../schema/members.ts";
import type { Schema } from "../schema/types.ts";
import type { TableState } from "../state/state.ts";
import type { TableDescription } from "../stream.ts";
import type { Refresh } from "./definition.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import { validityNames } from "./merge-columns.ts";
import { refused } from "./plan-checks.ts";
import type { Spelling } from "./spelling.ts";

/** A table as it was loaded so far and as it is to be loaded now. */
interface TableBeforeAndNow {
  readonly description: TableDescription;
  readonly spelling: Spelling;
  /** In the destination's names. */
  readonly merge: MergeOptions | undefined;
  /** As the last run left it; `undefined`: this pipeline has not loaded it. */
  readonly known: TableState | undefined;
  readonly refresh: Refresh | undefined;
  /** The columns that it has at the destination. */
  readonly standing: Schema | undefined;
}

/**
 * What becomes of a table whose disposition or key is another one than in the runs before: a change that the rows which are there bear, or
 * `ALV_STATE_MISMATCH` with what can be done.
 */
export function dispositionChange(table: TableBeforeAndNow): readonly SchemaChange[] {
  const { description, spelling, known, standing, refresh } = table;
  if (known === undefined) return [];
  const from = known.disposition;
  const to = abilityOf(description.disposition);
  const changed: readonly SchemaChange[] = from === to ? [] : [{ kind: "dispositionChanged", from, to }];
  if (refresh === "tables") return changed;
  const refuse = (why: string, remedy: "data" | "tables"): AlluviumError =>
    refused(
      description.name,
      `table ${spelling.table} ${why}. Go on as before, write to another table with as(), or run once with refresh: "${remedy}", which reads all rows again into the table ${remedy === "data" ? "once it is emptied" : "made anew"}`,
      "ALV_STATE_MISMATCH",
    );

  const key = description.primaryKey.map(spelling.column);
  if (merges(from) && merges(to) && !sameKey(known.primaryKey, key))
    throw refuse(
      `was merged by ${known.primaryKey.join(", ")} so far, now by ${key.join(", ")}, by which the rows that are there would not be found`,
      "tables",
    );
  if (from === to) {
    // Lakes used to forget the names.
    const now = validityNames(table.merge);
    const before = known.validity ?? now;
    if (to === "scd2" && before.join() !== now.join())
      throw refuse(`keeps its versions in ${before.join(", ")}, now in ${now.join(", ")}`, "tables");
    return changed;
  }
  if (from === "scd2" || to === "scd2")
    throw refuse(
      from === "scd2"
        ? `keeps versions (scd2) so far, and ${to} knows none`
        : `has no versions so far (${from}), and scd2 could not tell which of its rows hold`,
      "tables",
    );
  // No row stays that could be there twice, or be without its key.
  if (refresh === "data") return changed;
  if (to === "append")
    throw refuse(
      `was ${from === "replace" ? "replaced by each run" : `merged (${from})`} so far; its rows would be loaded a second time`,
      "data",
    );
  const lacking = key.filter((column) => standing?.fields.every(({ name }) => name !== column));
  if (to !== "replace" && lacking.length > 0)
    throw refuse(
      `has no column ${lacking.join(", ")} so far, by which ${to} would find the rows that are there`,
      "tables",
    );
  return changed;
}

function merges(disposition: string): boolean {
  return disposition !== "append" && disposition !== "replace";
}

/** Whether two keys are the same; the order of their columns plays no part. */
export function sameKey(one: readonly string[], other: readonly string[]): boolean {
  return sameItems(one.toSorted(), other.toSorted());
}
