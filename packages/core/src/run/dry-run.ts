import type { Batch } from "../columns/batch.ts";
import { takeBatch } from "../columns/take.ts";
import type { DestinationSession, TablePreview } from "../destination.ts";
import type { AlluviumError } from "../errors.ts";
import { canonicalJson } from "../state/canonical.ts";
import type { PipelineState } from "../state/state.ts";
import type { TableDescription } from "../stream.ts";
import type { Refresh } from "./definition.ts";
import { changeLine } from "../schema/change-text.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import { timeOrderedId } from "./id.ts";
import { readSome, type ReadSomeOptions } from "./read-some.ts";
import { asError } from "./retry.ts";
import type { TablePart } from "./nested-tables.ts";
import { refusalLine } from "./plan-text.ts";
import { offencesOf } from "./refuse-rows.ts";
import type { Drift, PlannedRefusal, PlannedTable, RunPlan } from "./run-plan.ts";
import type { TableRun } from "./table-run.ts";
import { isOwn, type StreamRun } from "./stream-run.ts";

/** Rows of a table after which its columns are taken to be known. */
const enough = 1000;

/** What a dry run needs of its run. */
export interface DryRunOptions extends Omit<ReadSomeOptions, "since" | "limit"> {
  readonly session: DestinationSession;
  readonly state: PipelineState | undefined;
  readonly streams: readonly StreamRun[];
  readonly refresh: Refresh | undefined;
  /** What was found to change, by table; reading rows may add to it. */
  readonly changes: ReadonlyMap<string, readonly SchemaChange[]>;
}

/** Finds out what a run would do, and does none of it. Streams that fail are told of by `errors`. */
export async function planOnly(
  options: DryRunOptions,
): Promise<{ readonly plan: RunPlan; readonly errors: ReadonlyMap<StreamRun, AlluviumError> }> {
  const { session, streams } = options;
  const errors = new Map<StreamRun, AlluviumError>();
  const looked = new Map<string, Look>();
  for (const run of streams) {
    if (run.status === "parked") continue;
    try {
      await lookAt(run, options, looked);
      run.status = "ended";
    } catch (error) {
      options.ending.throwIfAborted();
      run.status = "failed";
      errors.set(run, asError(error, { resource: run.stream.name, step: "read" }));
    }
  }
  const tables = streams.flatMap((run) => run.tables.map((table) => table.plan()));
  const previews = await session.preview?.({ loadId: timeOrderedId(), startedAt: new Date(), tables });
  const planned = streams.flatMap((run) => plannedTables(run, options, looked, previews));
  return { plan: { tables: planned, drift: planned.flatMap(driftOf) }, errors };
}

/** What was seen of a table's rows. */
interface Look {
  rows: number;
  /** Whether no more rows would come. */
  whole: boolean;
  /** What the contract would keep out of the table. */
  readonly refused: Map<string, PlannedRefusal>;
}

/** Reads some rows where columns are not described. */
async function lookAt(run: StreamRun, options: DryRunOptions, looked: Map<string, Look>): Promise<void> {
  const tables = new Map(run.tables.map((table) => [table.resource, table]));
  const looks = run.stream.tables
    .filter(isOpen)
    .filter(({ name }) => tables.has(name))
    .map(({ name }): [string, Look] => [name, { rows: 0, whole: false, refused: new Map() }]);
  if (looks.length === 0) return;
  for (const [name, look] of looks) looked.set(name, look);
  let total = 0;
  const { window, budget, reading, ending, emit } = options;
  const call = { since: run.since, window, budget, reading, ending, emit };
  const whole = await readSome(
    run.stream,
    call,
    async ({ table: name, batch }) => {
      // The columns grow by it, and what could not be loaded throws.
      const table = tables.get(name);
      const placed = run.ordinals.place(batch);
      const parts = table === undefined ? [] : await takenParts(table, placed, looked.get(name));
      for (const part of parts) {
        part.table.conform(part.batch, "");
        if (part.table === table) continue;
        const look = looked.get(part.table.resource) ?? { rows: 0, whole: false, refused: new Map() };
        look.rows += part.batch.length;
        part.table.rows += part.batch.length;
        looked.set(part.table.resource, look);
      }
      const look = looked.get(name);
      if (look !== undefined) look.rows += batch.length;
      total += batch.length;
      return total >= 10 * enough || looks.every(([, { rows }]) => rows >= enough);
    },
    ({ table: name, refused }) => {
      const found = tables.get(name)?.refuse(refused);
      if (found === undefined) return;
      const policy = found.refused.length > 0 ? "quarantine" : "discardRow";
      for (const { rule, column, message } of refused)
        note(looked.get(name), { rule, column, message, policy });
    },
  );
  for (const { resource } of run.tables) {
    const look = looked.get(resource);
    if (look !== undefined) look.whole = whole;
  }
}

/** What a contract leaves of a batch, by tables; what it does not is noted. */
async function takenParts(
  table: TableRun,
  given: Batch,
  look: Look | undefined,
): Promise<readonly TablePart[]> {
  let batch = given;
  for (;;) {
    const parts = (await table.nested?.split(batch, "")) ?? [{ table, batch }];
    const restricted = parts.map((part) => part.table.restrict(part.batch));
    const offences = offencesOf(parts, restricted);
    for (const offence of offences.values()) note(look, offence);
    if (offences.size === 0) {
      for (const { thinned = new Map<string, number>() } of restricted)
        for (const [column, rows] of thinned)
          note(look, { rule: "value", column, message: "", policy: "discardValue" }, rows);
      return parts.map((part, i) => ({ table: part.table, batch: restricted[i]!.batch }));
    }
    batch = takeBatch(
      batch,
      Int32Array.from({ length: batch.length }, (_, row) => row).filter((row) => !offences.has(row)),
    );
    if (batch.length === 0) return [];
  }
}

function note(
  look: Look | undefined,
  { rule, column, message, policy }: Omit<PlannedRefusal, "kind" | "rows">,
  rows: number = 1,
): void {
  const key = JSON.stringify([rule, column, policy]);
  const before = look?.refused.get(key);
  look?.refused.set(key, {
    kind: "refused",
    rule,
    column,
    policy,
    rows: (before?.rows ?? 0) + rows,
    message: before?.message ?? message,
  });
}

/** Whether only rows can tell all columns of a table. */
function isOpen({ open, schema }: TableDescription): boolean {
  return (
    open === true || schema.fields.length === 0 || schema.fields.some(({ type }) => type.kind === "null")
  );
}

/** Columns that are described, of which no row was looked at. */
function withheldBy({ withheld: { columns, policy } }: TableRun): readonly PlannedRefusal[] {
  const message = `the source has it, the table has not, and the contract for columns is "${policy}"`;
  return columns.map((column) => ({ kind: "refused", rule: "column", column, policy, rows: 0, message }));
}

function driftOf({ table, changes, refused }: PlannedTable): readonly Drift[] {
  const told = (what: Drift["what"], line: string): Drift => ({ table, what, text: `${table}: ${line}` });
  return [
    ...changes.map((change) => told(change, changeLine(change))),
    ...refused.map((refusal) => told(refusal, refusalLine(refusal))),
  ];
}

function plannedTables(
  run: StreamRun,
  { state, window, changes, refresh }: DryRunOptions,
  looked: ReadonlyMap<string, Look>,
  previews: readonly TablePreview[] | undefined,
): readonly PlannedTable[] {
  const { stream, since, status, readsAll } = run;
  return run.tables.filter(isOwn).map((table) => {
    const { primaryKey, schema } = table.plan();
    const look = looked.get(table.resource);
    // Of a few rows that lack a property nobody can say that it is gone; nor of a stream from which nothing came.
    const isKnown = look === undefined || (look.whole && look.rows > 0);
    const isParked = state?.tables[table.table]?.parked !== undefined;
    return {
      resource: table.resource,
      table: table.table,
      stream: stream.name,
      disposition: table.disposition,
      primaryKey,
      reads:
        isParked || status === "parked"
          ? "nothing"
          : window !== undefined
            ? "window"
            : readsAll || since === undefined
              ? "everything"
              : "new",
      since: since === undefined ? undefined : canonicalJson(stream.cursor.encode(since)),
      refresh,
      changes: [...(changes.get(table.table) ?? []), ...(isKnown ? table.missing() : [])],
      refused: [...withheldBy(table), ...(look?.refused.values() ?? [])],
      columns: schema.fields,
      sampled: look?.rows,
      statements: previews && (previews.find((one) => one.table === table.table)?.statements ?? []),
    };
  });
}
