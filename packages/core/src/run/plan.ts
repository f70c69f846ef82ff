import type { Capabilities, DestinationSession } from "../destination.ts";
import { abilityOf, type Disposition, type Where } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
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
  readonly run: RunOptions;
  readonly destination: string;
  readonly capabilities: Capabilities;
  readonly session: DestinationSession;
  readonly state: PipelineState | undefined;
  readonly loadIdColumn: boolean;
  readonly onChange: (table: string, changes: readonly SchemaChange[]) => void;
  readonly onCommit: (table: string, changes: readonly SchemaChange[]) => void;
}

/** Decides what each stream does in this run. Everything that can be known to go wrong before rows are read throws here. */
export async function planRun(options: PlanOptions): Promise<readonly StreamRun[]> {
  const { state, capabilities, session } = options;
  const backfill = options.run.since !== undefined || options.run.until !== undefined;
  const streams = chooseStreams(options.streams, options.run.only);
  const spellings = spellTables(streams, capabilities);
  for (const stream of streams)
    for (const table of stream.tables) {
      checkAbility(table, options);
      if (backfill) checkBackfill(stream, table, state);
    }

  const runs: StreamRun[] = [];
  for (const stream of streams) {
    const tables = [];
    const stored = state?.streams[stream.name];
    checkIdentity(stream, stored);
    const wholeSet = stream.tables.some(({ disposition }) => isWholeSet(disposition, backfill));
    if (wholeSet) checkWholeSet(stream, backfill);
    for (const description of stream.tables) {
      const spelling = spellings.get(description)!;
      const known = state?.tables[spelling.table];
      checkOwner(stream, description, spelling.table, state);
      tables.push(
        startTable({
          stream: stream.name,
          description,
          spelling,
          disposition: spellDisposition(description.disposition, spelling, backfill),
          capabilities,
          loadIdColumn: options.loadIdColumn,
          standing: (await session.describe(spelling.table))?.schema,
          known,
          onChange: options.onChange,
          onCommit: options.onCommit,
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
  const resources = new Set<string>();
  const names = new Set<string>();
  for (const stream of streams) {
    if (names.has(stream.name)) throw twice("streams", stream.name);
    names.add(stream.name);
    for (const { name } of stream.tables) {
      if (resources.has(name)) throw twice("resources", name);
      resources.add(name);
    }
  }
  if (only === undefined) return streams;
  const unknown = only.filter((name) => !resources.has(name));
  if (unknown.length > 0)
    throw new AlluviumError(
      "ALV_CONFIG",
      `only names ${unknown.join(", ")}, but the source has ${[...resources].join(", ") || "no resources"}`,
      { step: "plan" },
    );
  return streams.filter((stream) => stream.tables.some(({ name }) => only.includes(name)));
}

function twice(what: string, name: string): AlluviumError {
  return new AlluviumError(
    "ALV_NAME_COLLISION",
    `two ${what} of the source are called ${JSON.stringify(name)}; rename one with as()`,
    { resource: name, step: "plan" },
  );
}

function spellTables(
  streams: readonly Stream[],
  capabilities: Capabilities,
): ReadonlyMap<TableDescription, Spelling> {
  const spellings = new Map<TableDescription, Spelling>();
  const owners = new Map<string, string>();
  for (const description of streams.flatMap(({ tables }) => tables)) {
    const spelling = createSpelling(description, capabilities);
    const folded = capabilities.foldsCase ? spelling.table.toLowerCase() : spelling.table;
    const other = owners.get(folded);
    if (other !== undefined)
      throw new AlluviumError(
        "ALV_NAME_COLLISION",
        `resources ${other} and ${description.name} both become table ${spelling.table}; name one with as()`,
        { resource: description.name, step: "plan" },
      );
    owners.set(folded, description.name);
    spellings.set(description, spelling);
  }
  return spellings;
}

function checkAbility(table: TableDescription, options: PlanOptions): void {
  const { capabilities, destination } = options;
  const place = { resource: table.name, step: "plan" };
  const ability = abilityOf(table.disposition);
  if (!capabilities.abilities.includes(ability))
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `resource ${table.name} asks for ${ability}, which ${destination} cannot do; it can ${capabilities.abilities.join(", ")}`,
      place,
    );
  if (table.disposition.kind === "merge" && table.primaryKey.length === 0)
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource ${table.name} merges but has no primaryKey by which to find its rows`,
      place,
    );
  if (table.partitionBy.length > 0 && !capabilities.partitions)
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `resource ${table.name} has partitionBy, but ${destination} has no partitions`,
      place,
    );
}

function checkBackfill(stream: Stream, table: TableDescription, state: PipelineState | undefined): void {
  const place = { resource: table.name, step: "plan" };
  const { disposition } = table;
  if (table.cursorColumn === undefined)
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource ${table.name} has no cursor, so since and until say nothing about it; name the resources to backfill in only`,
      place,
    );
  if (disposition.kind === "replace" && disposition.where === undefined)
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource ${table.name} replaces its table, and a backfill of a window would leave only that window; use { replace: { where } }`,
      place,
    );
  if (disposition.kind !== "append") return;
  if (disposition.replaceWhere === undefined)
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource ${table.name} appends, and a backfill would add its rows a second time; give the disposition a replaceWhere for the window`,
      place,
    );
  if ((state?.streams[stream.name]?.cursor ?? null) === null)
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource ${table.name} has not been loaded yet, and its first load would add the backfilled rows a second time; run it once without since and until`,
      place,
    );
}

/** Whether rows take effect together at the stream's end: they take the place of others. */
function isWholeSet(disposition: Disposition, backfill: boolean): boolean {
  return (
    disposition.kind === "replace" ||
    (backfill && disposition.kind === "append" && disposition.replaceWhere !== undefined)
  );
}

function checkWholeSet(stream: Stream, backfill: boolean): void {
  const follower = stream.tables.find(
    ({ disposition, cursorColumn }) => !isWholeSet(disposition, backfill) && cursorColumn !== undefined,
  );
  if (follower === undefined || backfill) return;
  const replaced = stream.tables.find(({ disposition }) => isWholeSet(disposition, backfill))!;
  throw new AlluviumError(
    "ALV_CONFIG",
    `resources ${replaced.name} and ${follower.name} share one read, but ${replaced.name} replaces its table with all rows while ${follower.name} follows a cursor; give one of them a source of its own`,
    { resource: replaced.name, step: "plan" },
  );
}

function checkIdentity(stream: Stream, stored: StreamState | undefined): void {
  if (stored === undefined || stored.identity === null || stream.identity === undefined) return;
  const [before, now] = [canonicalJson(stored.identity), canonicalJson(stream.identity)];
  if (before === now) return;
  throw new AlluviumError(
    "ALV_STATE_MISMATCH",
    `the stored cursor of ${stream.name} belongs to ${before}, but the source is now ${now}; point the pipeline at the old source again, name the resource anew with as(), or use another pipeline name`,
    { resource: stream.name, step: "plan" },
  );
}

function checkOwner(
  stream: Stream,
  description: TableDescription,
  table: string,
  state: PipelineState | undefined,
): void {
  const known = state?.tables[table];
  if (known === undefined || description.disposition.kind === "replace") return;
  const place = { resource: description.name, step: "plan" };
  if (known.stream !== stream.name)
    throw new AlluviumError(
      "ALV_STATE_MISMATCH",
      `table ${table} was loaded by stream ${known.stream} and is now fed by ${stream.name}, which would load its rows a second time; keep the old name, or write to another table with as()`,
      place,
    );
  if (known.disposition === "replace" && description.disposition.kind === "append")
    throw new AlluviumError(
      "ALV_STATE_MISMATCH",
      `table ${table} was replaced by each run so far; appending to it would add the rows that it has a second time; write to another table with as(), or go on replacing`,
      place,
    );
}

function storedCursor(stream: Stream, stored: StreamState | undefined): unknown {
  if (stored === undefined || stored.cursor === null) return undefined;
  if (stored.cursorVersion > stream.cursor.version)
    throw new AlluviumError(
      "ALV_STATE_INVALID",
      `the stored cursor of ${stream.name} has version ${stored.cursorVersion}, this version of the source reads up to ${stream.cursor.version}: update it, or run the version that wrote it`,
      { resource: stream.name, step: "plan" },
    );
  return stream.cursor.decode(stored.cursor, stored.cursorVersion);
}

/** The disposition in the destination's names. Outside of a backfill the window of an append plays no part. */
function spellDisposition(disposition: Disposition, spelling: Spelling, backfill: boolean): Disposition {
  const spell = (where: Where): Where =>
    where.map((condition) => ({ ...condition, column: spelling.column(condition.column) }));
  if (disposition.kind === "replace" && disposition.where !== undefined)
    return { ...disposition, where: spell(disposition.where) };
  if (disposition.kind === "append" && disposition.replaceWhere !== undefined)
    return backfill ? { kind: "append", replaceWhere: spell(disposition.replaceWhere) } : { kind: "append" };
  return disposition;
}
