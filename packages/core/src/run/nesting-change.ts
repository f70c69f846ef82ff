import { isNative } from "../nesting/choice.ts";
import type { NestingChoice } from "../nesting-option.ts";
import { canonicalJson } from "../state/canonical.ts";
import type { Json } from "../state/json.ts";
import type { TableState } from "../state/state.ts";
import type { TableDescription } from "../stream.ts";
import type { Refresh } from "./definition.ts";
import { refused } from "./plan-checks.ts";

/** A choice as the state remembers it. */
export function nestingState({ default: mode, depth, paths }: NestingChoice): Json {
  return { default: mode, depth: depth === Infinity ? null : depth, paths: { ...paths } as Json };
}

/** Refuses another choice than that by which a table's rows were stored: those that are there would be in other columns and tables. */
export function refuseNestingChange(
  { name, nesting }: TableDescription,
  table: string,
  known: TableState | undefined,
  refresh: Refresh | undefined,
): void {
  if (known === undefined || refresh === "tables") return;
  const [before, now] = [
    known.nesting,
    nesting && !isNative(nesting) ? nestingState(nesting) : undefined,
  ].map((choice) => (choice === undefined ? '"native"' : canonicalJson(choice)));
  if (before !== now)
    throw refused(
      name,
      `table ${table} holds nested values by nesting ${before} so far, now by ${now}; rows that are there would keep theirs in other columns and tables. Go on as before, write to another table with as(), or run once with refresh: "tables", which makes the table anew and reads all rows again`,
      "ALV_STATE_MISMATCH",
    );
}
