import type { Destination, DestinationSession } from "../destination.ts";
import { abilityOf, renameWindow, windowOf, type Disposition } from "../disposition.ts";
import { AlluviumError, resourceError, type ErrorCode } from "../errors.ts";
import { canonicalJson } from "../state/canonical.ts";
import type { PipelineState, StreamState } from "../state/state.ts";
import type { Stream, TableDescription } from "../stream.ts";
import type { RunOptions } from "./definition.ts";
import type { SchemaChange } from "./events.ts";
import { createSpelling, type Spelling } from "./spelling.ts";
import { startStream, type StreamRun } from "./stream-run.ts";
import { startTable } from "./table-run.ts";

/** What a run is planned from. */
export interface PlanOptions {
  readonly streams: readonly Stream[];
  readonly only: RunOptions["only"];
  /** Whether a window is read, which moves no cursor. */
  readonly backfill: boolean;
  readonly destination: Destination;
  readonly session: DestinationSession;
  readonly state: PipelineState | undefined;
  readonly loadIdColumn: boolean;
  readonly onChange: (table: string, changes: readonly SchemaChange[]) => void;
  readonly onCommit: (table: string, changes: readonly SchemaChange[]) => void;
}

/** Decides what each stream does in this run. Everything that can be known to go wrong before rows are read throws here. */
export async function planRun(options: PlanOptions): Promise<readonly StreamRun[]> {
  const { state, destination, session, backfill, loadIdColumn, onChange, onCommit } = options;
  const { capabilities } = destination;
  const streams = chooseStreams(options.streams, options.only);
  const spellings = spellTables(streams, destination);
  for (const stream of streams)
    for (const table of stream.tables) {
      checkAbility(table, destination);
      if (backfill) checkBackfill(stream, table, state);
    }

  const runs: StreamRun[] = [];
  for (const stream of streams) {
    const stored = state?.streams[stream.name];
    checkIdentity(stream, stored);
    const wholeSet = checkWholeSet(stream, backfill);
    const tables = [];
    for (const description of stream.tables) {
      const spelling = spellings.get(description)!;
      const { table } = spelling;
      checkOwner(stream, description, table, state);
      tables.push(
        startTable({
          stream: stream.name,
          description,
          spelling,
          disposition: spellDisposition(description.disposition, spelling, backfill),
          capabilities,
          loadIdColumn,
          standing: (await session.describe(table))?.schema,
          known: state?.tables[table],
          onChange,
          onCommit,
        }),
      );
    }
    const since = wholeSet && !backfill ? undefined : storedCursor(stream, stored);
    const run = startStream(stream, tables, { wholeSet, backfill, since });
    if (tables.some(({ table }) => state?.tables[table]?.parked !== undefined)) run.status = "parked";
    runs.push(run);
  }
  return runs;
}

/** The streams that feed the resources named in `only`. */
export function chooseStreams(streams: readonly Stream[], only: RunOptions["only"]): readonly Stream[] {
  const resources = streams.flatMap(({ tables }) => tables.map(({ name }) => name));
  refuseTwice(
    "streams",
    Array.from(streams, ({ name }) => name),
  );
  refuseTwice("resources", resources);
  if (only === undefined) return streams;
  const unknown = only.filter((name) => !resources.includes(name));
  if (unknown.length > 0)
    throw new AlluviumError(
      "ALV_CONFIG",
      `only names ${unknown.join(", ")}, but the source has ${resources.join(", ") || "no resources"}`,
      { step: "plan" },
    );
  return streams.filter((stream) => stream.tables.some(({ name }) => only.includes(name)));
}

function refuseTwice(what: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw refused(twice, `two ${what} have this name; rename one with as()`, "ALV_NAME_COLLISION");
}

function refused(resource: string, why: string, code: ErrorCode = "ALV_CONFIG"): AlluviumError {
  return resourceError(code, resource, why, { step: "plan" });
}

function spellTables(
  streams: readonly Stream[],
  { capabilities }: Destination,
): ReadonlyMap<TableDescription, Spelling> {
  const spellings = new Map<TableDescription, Spelling>();
  const owners = new Map<string, string>();
  for (const description of streams.flatMap(({ tables }) => tables)) {
    const { name } = description;
    const spelling = createSpelling(description, capabilities);
    const { table } = spelling;
    const folded = capabilities.foldsCase ? table.toLowerCase() : table;
    const other = owners.get(folded);
    if (other !== undefined)
      throw refused(
        name,
        `it and ${other} both become table ${table}; name one with as()`,
        "ALV_NAME_COLLISION",
      );
    owners.set(folded, name);
    spellings.set(description, spelling);
  }
  return spellings;
}

function checkAbility(table: TableDescription, { name, capabilities }: Destination): void {
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
  if (partitionBy.length > 0 && !partitions)
    throw refused(table.name, `it has partitionBy, but ${name} has no partitions`, "ALV_UNSUPPORTED");
}

function checkBackfill({ name }: Stream, table: TableDescription, state: PipelineState | undefined): void {
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

/**
 * Whether the rows of a stream take effect together at its end, because they take the place of others. A table that follows a cursor cannot
 * share such a stream.
 */
function checkWholeSet({ tables }: Stream, backfill: boolean): boolean {
  const isWhole = ({ disposition }: TableDescription): boolean =>
    disposition.kind === "replace" || (backfill && windowOf(disposition) !== undefined);
  const whole = tables.find(isWhole);
  const follower = tables.find((table) => !isWhole(table) && table.cursorColumn !== undefined);
  if (whole !== undefined && follower !== undefined && !backfill)
    throw refused(
      whole.name,
      `it replaces its table, but shares its read with ${follower.name}, which follows a cursor; give one of them a source of its own`,
    );
  return whole !== undefined;
}

function checkIdentity({ name, identity }: Stream, stored: StreamState | undefined): void {
  if (stored === undefined || stored.identity === null || identity === undefined) return;
  const [before, now] = [canonicalJson(stored.identity), canonicalJson(identity)];
  if (before !== now)
    throw refused(
      name,
      `its stored cursor belongs to ${before}, but the source is now ${now}; go back to the old source, rename the resource with as(), or use another pipeline name`,
      "ALV_STATE_MISMATCH",
    );
}

function checkOwner(
  stream: Stream,
  { name, disposition }: TableDescription,
  table: string,
  state: PipelineState | undefined,
): void {
  const known = state?.tables[table];
  if (state === undefined || disposition.kind === "replace") return;
  if (known === undefined) {
    const moved = Object.entries(state.tables).find(
      ([, { resource, stream: feeds, disposition: was }]) =>
        resource === name && feeds === stream.name && was !== "replace",
    );
    if (moved === undefined || (state.streams[stream.name]?.cursor ?? null) === null) return;
    throw refused(
      name,
      `it was loaded into table ${moved[0]} so far, now into ${table}, which would lack the rows before its cursor: keep the table's name, or call resync("${moved[0]}") to read all rows again`,
      "ALV_STATE_MISMATCH",
    );
  }
  const why =
    known.stream !== stream.name
      ? `was loaded by stream ${known.stream} so far, now by ${stream.name}`
      : known.disposition === "replace" && disposition.kind === "append"
        ? "was replaced by each run so far"
        : undefined;
  if (why !== undefined)
    throw refused(
      name,
      `table ${table} ${why}; its rows would be loaded a second time: go on as before, or write to another table with as()`,
      "ALV_STATE_MISMATCH",
    );
}

function storedCursor({ name, cursor }: Stream, stored: StreamState | undefined): unknown {
  if (stored === undefined || stored.cursor === null) return undefined;
  if (stored.cursorVersion > cursor.version)
    throw refused(
      name,
      `its stored cursor has version ${stored.cursorVersion}, this version of the source reads up to ${cursor.version}: update it`,
      "ALV_STATE_INVALID",
    );
  return cursor.decode(stored.cursor, stored.cursorVersion);
}

/** The disposition in the destination's names. Outside of a backfill the window of an append plays no part. */
function spellDisposition(disposition: Disposition, spelling: Spelling, backfill: boolean): Disposition {
  if (disposition.kind === "append" && !backfill) return { kind: "append" };
  return renameWindow(disposition, (column) => spelling.column(column));
}
