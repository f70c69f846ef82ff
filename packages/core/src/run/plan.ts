import type { Destination, DestinationSession } from "../destination.ts";
import { renameWindow, type Disposition } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import type { PipelineState, StreamState } from "../state/state.ts";
import type { Stream, TableDescription } from "../stream.ts";
import type { RunOptions } from "./definition.ts";
import { dispositionChange } from "./disposition-change.ts";
import type { SchemaChange } from "./events.ts";
import { spellMerge } from "./merge-columns.ts";
import {
  checkAbility,
  checkBackfill,
  checkIdentity,
  checkOwner,
  readsEverything,
  refused,
  takesEffectAtEnd,
} from "./plan-checks.ts";
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
    const readsAll = readsEverything(stream, backfill);
    const tables = [];
    for (const description of stream.tables) {
      const spelling = spellings.get(description)!;
      const { table, column } = spelling;
      checkOwner(stream, description, table, state);
      const known = state?.tables[table];
      const standing = (await session.describe(table))?.schema;
      const merge = spellMerge(description.disposition, description.merge, column);
      tables.push(
        startTable({
          stream: stream.name,
          description,
          spelling,
          disposition: spellDisposition(description.disposition, spelling, backfill),
          merge,
          capabilities,
          loadIdColumn,
          standing,
          known,
          changes: dispositionChange({ description, spelling, merge, known, standing }),
          onChange,
          onCommit,
        }),
      );
    }
    const since = readsAll && !backfill ? undefined : storedCursor(stream, stored);
    const wholeSet = takesEffectAtEnd(stream, backfill);
    const run = startStream(stream, tables, { wholeSet, readsAll, backfill, since });
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
