import { joinContracts, type ContractOption } from "../contract.ts";
import type { Destination, DestinationSession } from "../destination.ts";
import { renameWindow, type Disposition } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import { nativeChoice } from "../nesting/choice.ts";
import { joinLimits, type QuarantineLimits } from "../quarantine-limits.ts";
import type { AgreedTable } from "../state/schema-document.ts";
import type { PipelineState } from "../state/state.ts";
import type { Stream, TableDescription } from "../stream.ts";
import type { Refresh, RunOptions } from "./definition.ts";
import { dispositionChange, sameKey } from "./disposition-change.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import { spellMerge } from "./merge-columns.ts";
import {
  checkAbility,
  checkBackfill,
  checkIdentity,
  checkNesting,
  checkOwner,
  readsEverything,
  refused,
  takesEffectAtEnd,
} from "./plan-checks.ts";
import { forgetCursor, refuseTwiceLoaded } from "./refresh.ts";
import { storedCursor } from "./stored-cursor.ts";
import { refuseNestingChange } from "./nesting-change.ts";
import { createSpelling, speller, type Spelling } from "./spelling.ts";
import { startStream, type StreamRun } from "./stream-run.ts";
import { startTable, type TableRun } from "./table-run.ts";

/** What a run is planned from. */
export interface PlanOptions {
  readonly streams: readonly Stream[];
  readonly only: RunOptions["only"];
  /** Whether a window is read, which moves no cursor. */
  readonly backfill: boolean;
  /** Whether rows of a quarantine are replayed, which reads nothing and moves no cursor. @default false */
  readonly replays?: boolean;
  readonly destination: Destination;
  readonly session: DestinationSession;
  readonly state: PipelineState | undefined;
  readonly loadIdColumn: boolean;
  readonly refresh: Refresh | undefined;
  /** What the run says of new tables, columns and types, before what the tables' descriptions say. */
  readonly policies?: ContractOption | undefined;
  /** The limits of quarantines: those of the run, and those of the pipeline. */
  readonly limits?: {
    readonly run: QuarantineLimits | undefined;
    readonly pipeline: QuarantineLimits | undefined;
  };
  /** What the tables may be, by name. */
  readonly contract: ReadonlyMap<string, AgreedTable> | undefined;
  readonly onChange: (table: string, changes: readonly SchemaChange[]) => void;
  readonly onCommit: (table: string, changes: readonly SchemaChange[]) => void;
  readonly onRefresh: (table: string, refresh: Refresh) => void;
  /** Bytes that a check of quality may keep. */
  readonly checkBudget: number;
  /** Told of a child table that turns up while the run is under way. */
  readonly onTable?: (table: TableRun, stream: Stream) => void;
}

/** Decides what each stream does in this run. Everything that can be known to go wrong before rows are read throws here. */
export async function planRun(options: PlanOptions): Promise<readonly StreamRun[]> {
  const { state, destination, backfill, refresh } = options;
  const streams = chooseStreams(options.streams, options.only);
  const { spellings, owners } = spellTables(streams, destination);
  for (const stream of streams)
    for (const table of stream.tables) {
      checkAbility(table, destination);
      checkNesting(table, destination, backfill);
      if (backfill) checkBackfill(stream, table, state);
    }

  const runs: StreamRun[] = [];
  for (const stream of streams) {
    const stored = state?.streams[stream.name];
    const readsAll = readsEverything(stream, backfill);
    const pending =
      refresh && !readsAll ? forgetCursor(stream, stored, { state, only: options.only }) : undefined;
    if (pending === undefined || pending.since !== undefined) checkIdentity(stream, stored);
    const tables: TableRun[] = [];
    for (const description of stream.tables) {
      const { table } = spellings.get(description)!;
      checkOwner(stream, description, table, state, refresh);
      const known = state?.tables[table];
      if (refresh === "state" && known !== undefined) refuseTwiceLoaded(description);
      refuseNestingChange(description, table, known, refresh);
      await planTable(
        { stream, description, spelling: spellings.get(description)!, tables, owners },
        options,
      );
    }
    const since =
      pending !== undefined
        ? pending.since
        : readsAll && !backfill
          ? undefined
          : storedCursor(stream, stored);
    const wholeSet = takesEffectAtEnd(stream, backfill);
    const started = startStream(stream, tables, {
      wholeSet,
      readsAll,
      backfill,
      replays: options.replays === true,
      refresh: refresh && { state: pending === undefined ? stored : pending.state },
      since,
    });
    if (tables.some(({ table }) => state?.tables[table]?.parked !== undefined)) started.status = "parked";
    runs.push(started);
  }
  return runs;
}

/** A table that is planned. */
interface TableToPlan {
  readonly stream: Stream;
  readonly description: TableDescription;
  readonly spelling: Spelling;
  /** The tables of its stream, to which it and its child tables are added, those that turn up later too. */
  readonly tables: TableRun[];
  /** Whose the names of tables are, folded. */
  readonly owners: Map<string, string>;
}

/** Begins a table, and those of its child tables that are known. */
async function planTable(
  { stream, description: given, spelling: plain, tables, owners }: TableToPlan,
  options: PlanOptions,
): Promise<void> {
  const description = { ...given, contract: joinContracts(options.policies, given.contract) };
  const { limits } = options;
  const { state, destination, session, backfill, loadIdColumn, refresh, contract, onTable } = options;
  const { capabilities } = destination;
  const { nesting } = description;
  const { table } = plain;
  const known = state?.tables[table];
  const spell = speller(description);
  const hasChildren = Object.values(state?.tables ?? {}).some(({ nested }) => nested?.root === table);
  // Most pipelines need nothing of it.
  const nestedTables = nesting === undefined && !hasChildren ? undefined : await import("./nested-tables.ts");
  const spelling =
    nesting !== undefined && nestedTables !== undefined
      ? nestedTables.createNestedSpelling({ resource: description.name, table, capabilities, spell, known })
      : plain;
  const merge = spellMerge(description.disposition, description.merge, spelling.column);
  const disposition = spellDisposition(description.disposition, spelling, backfill);
  const shared = {
    stream: stream.name,
    capabilities,
    refresh,
    onChange: options.onChange,
    onCommit: options.onCommit,
    onRefresh: options.onRefresh,
  };
  const standing = (await session.describe(table))?.schema;
  const root = startTable({
    ...shared,
    description,
    spelling,
    disposition,
    merge,
    loadIdColumn,
    standing,
    known,
    schema: nesting && nestedTables?.rootSchema(nesting, description.schema),
    limits: joinLimits(limits?.run, description.quarantine, limits?.pipeline),
    changes: dispositionChange({ description, spelling, merge, known, standing, refresh }),
    agreed: contract && agreedTable(contract, description, spelling),
  });
  const quality = { destination, session, budget: options.checkBudget };
  // Most pipelines need nothing of it.
  const planned = (description.checks?.length ?? 0) === 0 ? undefined : await import("./quality.ts");
  root.checks = planned?.planQuality(description, quality);
  tables.push(root);
  planQuarantine(description, root, tables, options);
  if (nestedTables === undefined) return;
  const fold = (name: string): string => (capabilities.foldsCase ? name.toLowerCase() : name);
  root.nested = await nestedTables.openNested({
    choice: nesting ?? nativeChoice,
    description,
    disposition,
    merge,
    capabilities,
    state,
    spell,
    root: () => root,
    claim(name, resource) {
      const owner = owners.get(fold(name));
      if (owner === undefined) owners.set(fold(name), resource);
      return owner;
    },
    async begin({ nested, ...child }, late) {
      const run = startTable({
        ...shared,
        ...child,
        child: nested,
        isFirst: !root.isCommitted(),
        merge: undefined,
        loadIdColumn: false,
        standing: (await session.describe(child.spelling.table))?.schema,
        changes: [],
        agreed: contract && agreedTable(contract, child.description, child.spelling),
      });
      run.checks = planned?.planChildQuality(description, child.description.name, quality);
      tables.push(run);
      if (late) onTable?.(run, stream);
      return run;
    },
  });
}

/** Refuses names that tables and quarantines would share, and has a quarantine emptied with its table although no row may come for it. */
function planQuarantine(
  { name }: TableDescription,
  { table, quarantine }: TableRun,
  tables: TableRun[],
  { state, streams, destination }: PlanOptions,
): void {
  const of = state?.tables[table]?.quarantineOf;
  if (of !== undefined)
    throw refused(
      name,
      `${table} holds what was refused of ${of}; rename it with as()`,
      "ALV_NAME_COLLISION",
    );
  if (quarantine === undefined) return;
  const log = state?.tables[quarantine.table];
  const isTaken = streams.some(({ tables: others }) =>
    others.some((other) => createSpelling(other, destination.capabilities).table === quarantine.table),
  );
  if (isTaken || (log !== undefined && log.quarantineOf === undefined))
    throw refused(
      name,
      `${quarantine.table} is a table too, and what is refused of ${table} is kept under that name; rename one with as()`,
      "ALV_NAME_COLLISION",
    );
  if (log !== undefined && quarantine.isEmptied()) tables.push(quarantine);
}

/** What the contract says of a table. */
function agreedTable(
  contract: ReadonlyMap<string, AgreedTable>,
  { name, primaryKey }: TableDescription,
  { table, column }: Spelling,
): AgreedTable {
  const agreed = contract.get(table);
  const key = primaryKey.map(column);
  const why =
    agreed === undefined
      ? `its table ${table} is not in the pipeline's contract, which has ${[...contract.keys()].join(", ") || "none"}`
      : sameKey(agreed.primaryKey, key)
        ? undefined
        : `its primary key is ${key.join(", ") || "none"}, in the pipeline's contract ${agreed.primaryKey.join(", ") || "none"}`;
  if (agreed !== undefined && why === undefined) return agreed;
  throw refused(
    name,
    `${why}: if that is meant, take the contract anew from schema() after a run without it`,
    "ALV_SCHEMA_CONFLICT",
  );
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
): { readonly spellings: ReadonlyMap<TableDescription, Spelling>; readonly owners: Map<string, string> } {
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
  return { spellings, owners };
}

/** The disposition in the destination's names. Outside of a backfill the window of an append plays no part. */
function spellDisposition(disposition: Disposition, spelling: Spelling, backfill: boolean): Disposition {
  if (disposition.kind === "append" && !backfill) return { kind: "append" };
  return renameWindow(disposition, (column) => spelling.column(column));
}
