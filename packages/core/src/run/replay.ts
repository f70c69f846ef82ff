import type { DestinationSession } from "../destination.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import type { ContractOption } from "../contract.ts";
import { checkContract } from "../contract.ts";
import { describeValue } from "../columns/refuse.ts";
import { mapRows } from "../read/map-rows.ts";
import { openResources } from "../read/open.ts";
import { portionOfBatch } from "../read/portion.ts";
import type { RefusedRow } from "../refused-row.ts";
import { decodeSchemaDocument } from "../state/schema-document.ts";
import type { PipelineState } from "../state/state.ts";

import type { SourceSession, Stream, TableDescription } from "../stream.ts";
import { closing } from "./closing.ts";
import type { PipelineDefinition } from "./definition.ts";
import type { Emit } from "./emitter.ts";
import { timeOrderedId } from "./id.ts";
import { openLoads } from "./loads.ts";
import { withPipeline, type ManageOptions } from "./manage.ts";
import { planRun } from "./plan.ts";
import {
  quarantineOf,
  readOutstanding,
  refusedValue,
  type OutstandingOptions,
  type QuarantinedRow,
  type QuarantineOf,
  type StoredRefusal,
} from "./quarantined.ts";
import type { QuarantineEntry } from "./quarantine-table.ts";
import { refusalReason } from "./refuse-rows.ts";
import type { ReplayedRows } from "./replayed-rows.ts";
import type { Offence } from "./restrict.ts";
import type { StreamRun } from "./stream-run.ts";
import type { TableRun } from "./table-run.ts";
import { writtenRows } from "./written-rows.ts";

/** What a replay takes. */
export interface ReplayOptions<Names extends string = string> extends ManageOptions {
  /** The resource whose quarantine it is. */
  readonly resource: Names;
  /**
   * Mends a row: gives the row as it should have been, or `undefined` for one that is given up. `row` is `refusal.row`, which may be changed in place.
   * @default rows are tried again as they are, for when the contract, the schema or the transforms were what was wrong
   */
  readonly fix?:
    | ((
        row: Record<string, unknown>,
        refusal: QuarantinedRow,
      ) => object | undefined | Promise<object | undefined>)
    | undefined;
  /** These rows only, by `QuarantinedRow.id`; those that do not wait any more are left out. @default all */
  readonly ids?: readonly string[] | undefined;
  /** So many rows at most, the oldest first: they are held in memory. @default 10 000 */
  readonly limit?: number | undefined;
  /** What may change in the tables by it, as in a run. @default what the resource says */
  readonly contract?: ContractOption | undefined;
}

/** What became of the rows of a quarantine that were tried again. */
export interface ReplayReport {
  /** The load; `undefined`: there was nothing to do. */
  readonly loadId: string | undefined;
  /** Rows that are in their table now. */
  readonly replayed: number;
  /** Rows that were given up: by `fix`, or because the contract leaves such rows out. */
  readonly dropped: number;
  /** Rows that were refused again, and wait with the new reason. */
  readonly refused: number;
  /** Values that the contract left out of rows that were replayed. */
  readonly discardedValues: number;
  /** Rows beyond `limit` that have not been tried. */
  readonly remaining: number;
}

/** Rows that are tried at once. */
const slice = 1000;

/** The rows that wait in the quarantine of a resource. Takes the pipeline like `readState`. */
export async function readQuarantine(
  definition: PipelineDefinition,
  options: ManageOptions & OutstandingOptions & { readonly resource: string },
): Promise<readonly QuarantinedRow[]> {
  return await withPipeline(definition, options, async ({ session, state }) => {
    const { rows } = await readOutstanding(session, scannable(definition, session, state, options), options);
    return rows.map(({ refusal }) => refusal);
  });
}

/**
 * Tries rows of a quarantine again, from the stage where they were refused, in one load that also logs what became of each. No cursor moves. Takes
 * the pipeline like `readState`.
 */
export async function replayRows(
  definition: PipelineDefinition,
  options: ReplayOptions,
): Promise<ReplayReport> {
  const { limit = 10_000, fix, resource, contract } = options;
  const refuse = (name: string, value: unknown, wanted: string): AlluviumError =>
    new AlluviumError("ALV_CONFIG", `${name} is ${describeValue(value)}; it must be ${wanted}`, {
      pipeline: definition.name,
    });
  if (!(limit >= 1)) throw refuse("limit", limit, "a number of at least 1");
  if (fix !== undefined && typeof fix !== "function")
    throw refuse("fix", fix, "a function of the row, or left out");
  checkContract(contract, refuse);
  return await withPipeline(definition, options, async ({ session, state, signal, emit }) => {
    const of = scannable(definition, session, state, options);
    const { rows, more } = await readOutstanding(session, of, { ...options, limit });
    const none = { loadId: undefined, replayed: 0, dropped: 0, refused: 0, discardedValues: 0 };
    if (rows.length === 0) return { ...none, remaining: more };
    const { source, concurrency = 4, budget = 96 * 1024 * 1024 } = definition;
    const only = [resource];
    const opened = await source.open({ signal, only, budget, concurrency, emit, contract, openResources });
    return await closing("source", opened, emit, async ({ streams }: SourceSession) => {
      const replay = { definition, options, session, state, signal, emit, streams };
      return { ...(await replayLoad(replay, rows)), remaining: more };
    });
  });
}

/** The quarantine, if it can be read. */
function scannable(
  { name, destination }: PipelineDefinition,
  session: DestinationSession,
  state: PipelineState | undefined,
  { resource }: { readonly resource: string },
): QuarantineOf {
  if (session.scan !== undefined) return quarantineOf(state, resource);
  throw new AlluviumError("ALV_UNSUPPORTED", `${destination.name} does not give the rows of tables back`, {
    pipeline: name,
  });
}

interface Replay {
  readonly definition: PipelineDefinition;
  readonly options: ReplayOptions;
  readonly session: DestinationSession;
  readonly state: PipelineState | undefined;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  readonly streams: readonly Stream[];
}

async function replayLoad(
  replay: Replay,
  rows: readonly StoredRefusal[],
): Promise<Omit<ReplayReport, "remaining">> {
  const { definition, options, session, state, signal, emit } = replay;
  const { run, table, description } = await planReplay(replay);
  const stopping = new AbortController();
  let loadId: string | undefined;
  const loads = await openLoads({
    session,
    state,
    streams: [run],
    emit,
    signal: AbortSignal.any([signal, stopping.signal]),
    commitBytes: Infinity,
    commitInterval: Infinity,
    deadline: undefined,
    capabilities: definition.destination.capabilities,
    run: { runId: timeOrderedId(), pipeline: definition.name, lane: definition.lane ?? "main" },
    onChecks() {},
    fail: (error) => stopping.abort(error),
    onCommit: (receipt) => {
      loadId = receipt.loadId;
      const parked = receipt.tables.find((part) => part.parked !== undefined);
      if (parked !== undefined)
        throw resourceError(
          "ALV_TABLE_PARKED",
          options.resource,
          `${parked.table} could not be written and is set aside (${parked.parked}); settle it with retry, skip or resync`,
        );
    },
  });
  return await closing("load", loads, emit, async () => {
    run.status = "reading";
    const counts = { replayed: 0, dropped: 0, refused: 0, discardedValues: 0 };
    for (let at = 0; at < rows.length; at += slice) {
      signal.throwIfAborted();
      const part = rows.slice(at, at + slice);
      const tried = await tryRows(part, { run, table, description, replay });
      counts.discardedValues += await loads.replay(run, table, tried.batches, (offences) => {
        const entries = part.map((row, place) => entryOf(row, place, tried, offences));
        for (const { event } of entries) counts[event] += 1;
        return entries;
      });
    }
    await loads.end(run);
    await loads.finish();
    return { loadId, ...counts };
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw AlluviumError.is(error) ? error.at({ pipeline: definition.name }) : error;
  });
}

/** The stream and table of the resource, if a late row can do no harm there. */
async function planReplay(
  replay: Replay,
): Promise<{ readonly run: StreamRun; readonly table: TableRun; readonly description: TableDescription }> {
  const { definition, options, session, state, emit, streams } = replay;
  const { resource, contract } = options;
  const stream = streams.find(({ tables }) => tables.some(({ name }) => name === resource));
  const description = stream?.tables.find(({ name }) => name === resource);
  if (stream === undefined || description === undefined)
    throw new AlluviumError(
      "ALV_CONFIG",
      `resource is ${JSON.stringify(resource)}, which the source has no more`,
      { resource },
    );
  refuseLate(description);
  const [run] = await planRun({
    streams: [stream],
    only: undefined,
    backfill: false,
    replays: true,
    destination: definition.destination,
    session,
    state,
    loadIdColumn: definition.loadIdColumn ?? true,
    refresh: undefined,
    contract: definition.contract && decodeSchemaDocument(definition.contract),
    policies: contract,
    checkBudget: Math.floor((definition.budget ?? 96 * 1024 * 1024) / 4),
    onChange: (table, changes) => emit({ type: "schemaChanged", table, changes }),
    onCommit() {},
    onRefresh() {},
  });
  const table = run!.tables.find((one) => one.resource === resource)!;
  if (run!.status === "parked")
    throw resourceError(
      "ALV_TABLE_PARKED",
      resource,
      "a table of it is set aside; settle it with retry, skip or resync first",
    );
  // What else the stream feeds has no part in this.
  const own = run!.tables.filter((one) => one === table || one.state().nested?.root === table.table);
  run!.tables.splice(0, run!.tables.length, ...own);
  return { run: run!, table, description };
}

/** Rows that come late must never take the place of newer ones. */
function refuseLate({ name, disposition, merge }: TableDescription): void {
  const why =
    disposition.kind === "replace"
      ? "its table is replaced by what a run reads, so that a row of an earlier one would be out of place: mend the rows at their source, or let the contract take them, and run again"
      : disposition.kind !== "merge" || disposition.strategy === "insertOnly"
        ? undefined
        : disposition.strategy === "deleteInsert" || merge?.validity?.retireAbsent === true
          ? `its table is merged by ${disposition.strategy}, which takes what is stored away for what comes: mend the rows at their source, and run again`
          : merge?.orderBy === undefined
            ? 'it merges without orderBy, so that a late row would take the place of newer ones: name the column that tells which row is newer, as in { merge: "upsert", orderBy: "updatedAt" }'
            : undefined;
  if (why !== undefined) throw resourceError("ALV_UNSUPPORTED", name, why, { step: "plan" });
}

/** What became of rows before they are written. */
interface Tried {
  readonly batches: readonly ReplayedRows[];
  readonly dropped: ReadonlySet<number>;
  readonly refused: ReadonlyMap<number, Pick<RefusedRow, "reason" | "rule" | "column" | "message">>;
  /** Whether rows that their schema refuses are left out by the contract. */
  readonly leavesOut: boolean;
}

async function tryRows(
  rows: readonly StoredRefusal[],
  target: {
    readonly run: StreamRun;
    readonly table: TableRun;
    readonly description: TableDescription;
    readonly replay: Replay;
  },
): Promise<Tried> {
  const { run, table, description, replay } = target;
  const { options, signal } = replay;
  const dropped = new Set<number>();
  const refused = new Map<number, Pick<RefusedRow, "reason" | "rule" | "column" | "message">>();
  const batches: ReplayedRows[] = [];
  async function mend({ refusal, text, types }: StoredRefusal, place: number): Promise<object | undefined> {
    if (options.fix === undefined) return undefined;
    const row = refusedValue(refusal.stage, text, types) as Record<string, unknown>;
    const fixed = await options.fix(row, refusal);
    if (fixed === undefined) dropped.add(place);
    else if (typeof fixed !== "object" || fixed === null || Array.isArray(fixed))
      throw new AlluviumError(
        "ALV_CONFIG",
        `fix returned ${describeValue(fixed)}; it must return the row, or undefined for one that is given up`,
        { resource: options.resource },
      );
    return fixed;
  }
  const mended = await mapRows(rows, (row, place) => mend(row as StoredRefusal, place), {
    concurrency: 16,
    signal,
  });
  const left = [...rows.keys()].filter((place) => !dropped.has(place));

  const written = left.filter((place) => rows[place]!.refusal.stage === "write");
  for (const place of written)
    if (rows[place]!.refusal.operation === "move")
      refused.set(place, {
        reason: "ALV_UNSUPPORTED",
        rule: "replay",
        column: undefined,
        message:
          "an update that moved its key cannot be replayed, because the row of the old key may have changed: give it up, and load its key anew",
      });
  const inColumns = writtenRows(
    written
      .filter((place) => !refused.has(place))
      .map((place) => {
        const { text, types, refusal } = rows[place]!;
        const fixed = mended[place] as Record<string, unknown> | undefined;
        return { place, text, types: types!, operation: refusal.operation, fixed };
      }),
    description.partial === true,
  );
  for (const { place, error } of inColumns.refused)
    refused.set(place, { reason: error.code, rule: "type", column: undefined, message: error.message });
  batches.push(...inColumns.batches);

  const read = left.filter((place) => rows[place]!.refusal.stage === "read");
  if (read.length > 0) {
    if (run.stream.retake === undefined)
      throw resourceError("ALV_UNSUPPORTED", options.resource, "its source cannot take rows once more");
    const again = await run.stream.retake(
      description.name,
      read.map((place) => mended[place] ?? rows[place]!.refusal.row),
      { signal, refusals: read.map((place) => rows[place]!.refusal) },
    );
    for (const { place, row } of again.refused) refused.set(read[place]!, row);
    for (const { batch, places } of again.batches)
      batches.push({ batch, places: Int32Array.from(places, (place) => read[place]!) });
  }
  const inOrder = batches.filter(({ batch }) => batch.length > 0).map(numbered);
  return {
    batches: await Promise.all(inOrder.map((one) => asked(one, description, signal))),
    dropped,
    refused,
    leavesOut: table.leavesOutInvalid,
  };
}

/** With what functions of checks say of the rows. */
async function asked(
  rows: ReplayedRows,
  { name, checks = [] }: TableDescription,
  signal: AbortSignal,
): Promise<ReplayedRows> {
  const functions = checks.filter(({ rule }) => rule.kind === "check");
  if (functions.length === 0) return rows;
  const { askFunctions } = await import("../read/function-checks.ts");
  return {
    ...rows,
    failed: await askFunctions(name, functions, portionOfBatch(rows.batch), rows.batch, signal),
  };
}

/** Changes in the order in which they were refused. */
function numbered(rows: ReplayedRows): ReplayedRows {
  const { batch } = rows;
  if (batch.changes === undefined) return rows;
  const ordinals = BigInt64Array.from({ length: batch.length }, (_, row) => BigInt(row));
  return { ...rows, batch: { ...batch, changes: { ...batch.changes, ordinals } } };
}

function entryOf(
  { refusal, text, types }: StoredRefusal,
  place: number,
  { dropped, refused, leavesOut }: Tried,
  offences: ReadonlyMap<number, Offence>,
): QuarantineEntry {
  const { id } = refusal;
  const offence = offences.get(place);
  const again = refused.get(place) ?? (offence && refusalReason(offence));
  const isLeftOut = offence === undefined ? leavesOut : offence.policy !== "quarantine";
  if (dropped.has(place) || (again !== undefined && isLeftOut)) return { event: "dropped", id };
  if (again === undefined) return { event: "replayed", id };
  // What waits is the row as it came at first, which is tried from the same stage again.
  const { stage, operation, key, position } = refusal;
  return {
    event: "refused",
    id,
    stage,
    operation,
    row: text,
    types,
    key,
    position,
    reason: again.reason,
    rule: again.rule,
    column: again.column,
    message: again.message,
  };
}
