import type { Destination } from "../destination.ts";
import { abilityOf, readsAll, takesEffect, windowOf } from "../disposition.ts";
import { resourceError, type AlluviumError, type ErrorCode } from "../errors.ts";
import { hasTables } from "../nesting/choice.ts";
import { canonicalJson } from "../state/canonical.ts";
import type { PipelineState, StreamState } from "../state/state.ts";
import type { Stream, TableDescription } from "../stream.ts";
import type { Refresh } from "./definition.ts";

/** The error of a resource that cannot be loaded as asked. */
export function refused(resource: string, why: string, code: ErrorCode = "ALV_CONFIG"): AlluviumError {
  return resourceError(code, resource, why, { step: "plan" });
}

export function checkAbility(table: TableDescription, { name, capabilities }: Destination): void {
  const { disposition, primaryKey, partitionBy } = table;
  const { abilities, partitions } = capabilities;
  const ability = abilityOf(disposition);
  if (!abilities.includes(ability))
    throw refused(
      table.name,
      `it asks for ${ability}, which ${name} cannot do; it can ${abilities.join(", ")}`,
      "ALV_UNSUPPORTED",
    );
  if (disposition.kind === "merge" && primaryKey.length === 0)
    throw refused(table.name, "it merges but has no primaryKey by which to find its rows");
  if (table.merge?.validity?.retireAbsent === true && table.cursorColumn !== undefined)
    throw refused(
      table.name,
      `it has retireAbsent and the cursor ${table.cursorColumn}: a read from a cursor does not bring the keys that did not change, and all of them would be ended; leave one of the two out`,
    );
  if (partitionBy.length > 0 && !partitions)
    throw refused(table.name, `it has partitionBy, but ${name} has no partitions`, "ALV_UNSUPPORTED");
}

/** Refuses child tables that could not follow their roots. */
export function checkNesting(
  { name, nesting, disposition, partial }: TableDescription,
  destination: Destination,
  backfill: boolean,
): void {
  if (nesting === undefined || !hasTables(nesting)) return;
  if (partial === true)
    throw refused(
      name,
      `it is partial, and nesting "tables" needs whole rows: what a row leaves out cannot be told from the rows of child tables; choose "native" or "json"`,
    );
  const isWindow = windowOf(disposition) !== undefined && (backfill || disposition.kind === "replace");
  if (destination.capabilities.follows === true || (disposition.kind !== "merge" && !isWindow)) return;
  throw refused(
    name,
    `nesting "tables" with ${disposition.kind === "merge" ? disposition.strategy : "the replacement of a window"} needs child rows to go with their roots, which ${destination.name} cannot do; choose nesting "native" or "json", or disposition "append" or "replace"`,
    "ALV_UNSUPPORTED",
  );
}

export function checkBackfill(
  { name }: Stream,
  table: TableDescription,
  state: PipelineState | undefined,
): void {
  const { disposition, cursorColumn } = table;
  const { kind } = disposition;
  const isWindow = windowOf(disposition) !== undefined;
  const why =
    cursorColumn === undefined
      ? "it has no cursor, so since and until say nothing about it; name the resources to backfill in only"
      : kind === "replace" && !isWindow
        ? "it replaces its table, and a backfill would leave only its window; use { replace: { where } }"
        : kind === "append" && !isWindow
          ? "it appends, and a backfill would add its rows a second time; give the disposition a replaceWhere for the window"
          : kind === "append" && (state?.streams[name]?.cursor ?? null) === null
            ? "it has not been loaded yet, and its first load would add these rows a second time; run it once without since and until"
            : undefined;
  if (why !== undefined) throw refused(table.name, why);
}

/** Whether the rows of a stream take effect together at its end, because of what they take the place of. */
export function takesEffectAtEnd({ tables }: Stream, backfill: boolean): boolean {
  return tables.some(({ disposition, merge }) => {
    // The window of an append plays a part in backfills only.
    const isPlain = disposition.kind === "append" && !backfill;
    return !isPlain && takesEffect(disposition, merge) === "end";
  });
}

/**
 * Whether a stream is read from its start in each run and keeps no cursor: what it does not bring goes. A table that follows a cursor cannot
 * share such a stream.
 */
export function readsEverything({ tables }: Stream, backfill: boolean): boolean {
  const isWhole = ({ disposition, merge }: TableDescription): boolean =>
    readsAll(disposition, merge) || (backfill && windowOf(disposition) !== undefined);
  const whole = tables.find(isWhole);
  const follower = tables.find((table) => !isWhole(table) && table.cursorColumn !== undefined);
  if (whole !== undefined && follower !== undefined && !backfill)
    throw refused(
      whole.name,
      `it ${whole.disposition.kind === "replace" ? "replaces its table" : "ends what a read does not bring"}, but shares its read with ${follower.name}, which follows a cursor; give one of them a source of its own`,
    );
  return whole !== undefined;
}

export function checkIdentity({ name, identity }: Stream, stored: StreamState | undefined): void {
  if (stored === undefined || stored.identity === null || identity === undefined) return;
  const [before, now] = [canonicalJson(stored.identity), canonicalJson(identity)];
  if (before !== now)
    throw refused(
      name,
      `its stored cursor belongs to ${before}, but the source is now ${now}; go back to the old source, rename the resource with as(), use another pipeline name, or read all rows again with refresh`,
      "ALV_STATE_MISMATCH",
    );
}

export function checkOwner(
  stream: Stream,
  { name, disposition }: TableDescription,
  table: string,
  state: PipelineState | undefined,
  refresh: Refresh | undefined,
): void {
  const known = state?.tables[table];
  // Where everything is read again, into an empty table or by merging, nothing is doubled or left out.
  if (state === undefined || disposition.kind === "replace" || refresh !== undefined) return;
  if (known === undefined) {
    const moved = Object.entries(state.tables).find(
      ([, { resource, stream: feeds, disposition: was }]) =>
        resource === name && feeds === stream.name && was !== "replace",
    );
    if (moved === undefined || (state.streams[stream.name]?.cursor ?? null) === null) return;
    throw refused(
      name,
      `it was loaded into table ${moved[0]} so far, now into ${table}, which would lack the rows before its cursor: keep the table's name, or read all rows again: run once with refresh: "data"`,
      "ALV_STATE_MISMATCH",
    );
  }
  // What was replaced so far and merges now reads everything, or goes on from a cursor of before: either way no row is missing.
  const isTaken = known.disposition === "replace" && disposition.kind === "merge";
  if (known.stream !== stream.name && !isTaken)
    throw refused(
      name,
      `table ${table} was loaded by stream ${known.stream} so far, now by ${stream.name}; its rows would be loaded a second time: go on as before, write to another table with as(), or run once with refresh: "data", which reads all rows again into the table once it is emptied`,
      "ALV_STATE_MISMATCH",
    );
}
