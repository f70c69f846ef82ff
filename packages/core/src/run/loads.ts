import { randomBytes } from "node:crypto";
import type { Batch } from "../columns/batch.ts";
import { takeBatch } from "../columns/take.ts";
import type { Locate } from "../read/portion.ts";
import type { DestinationSession, Load, LoadReceipt } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import type { RefusedRow } from "../refused-row.ts";
import type { PipelineState } from "../state/state.ts";
import type { Capabilities } from "../destination.ts";
import { checksTable, type TableResults } from "./table-results.ts";
import type { Emit } from "./emitter.ts";
import { createGate } from "./gate.ts";
import { timeOrderedId } from "./id.ts";
import { followingState, isChanged } from "./next-state.ts";
import { quarantineExcess } from "./quarantine-excess.ts";
import { partsOfReplay, type ReplayedRows } from "./replayed-rows.ts";
import type { TablePart } from "./nested-tables.ts";
import type { QuarantineEntry } from "./quarantine-table.ts";
import type { Offence } from "./restrict.ts";
import type { FailedRows } from "../read/function-checks.ts";
import { rowsAmong } from "./failed-rows.ts";
import { refusalOf } from "./refuse-rows.ts";
import type { RefusalCounts } from "./refusals.ts";
import type { StreamRun } from "./stream-run.ts";
import { isDone, isResumable, keepsCursor } from "./stream-run.ts";
import type { TableRun } from "./table-run.ts";
import { abortable } from "./wait.ts";

/** What the loads of a run need. */
export interface LoadsOptions {
  readonly session: DestinationSession;
  readonly capabilities: Capabilities;
  readonly run: { readonly runId: string; readonly pipeline: string; readonly lane: string };
  readonly state: PipelineState | undefined;
  readonly streams: readonly StreamRun[];
  readonly emit: Emit;
  /** Ends everything: an abort or a failure of the run. */
  readonly signal: AbortSignal;
  readonly commitBytes: number;
  readonly commitInterval: number;
  /** Milliseconds since 1970, or none. */
  readonly deadline: number | undefined;
  /** Told what leaves the run without a future: it must abort `signal`. */
  readonly fail: (error: unknown) => void;
  /** Called after each commit, before streams go on; with what of each table was refused. */
  readonly onCommit: (
    receipt: LoadReceipt,
    streams: readonly StreamRun[],
    refusals: ReadonlyMap<string, RefusalCounts>,
  ) => void;
  /** Told how checks came out: those of what was committed, and those that stop a stream. */
  readonly onChecks: (checked: TableResults) => void;
}

/** What a stream says of the rows of a batch. */
export interface KnownOfRows {
  /** The rows that functions of checks refused. */
  readonly failed?: FailedRows | undefined;
  /** Where a row stood at the source. */
  readonly locate?: Locate | undefined;
}

/**
 * The loads of a run, one after another. Streams write, mark and roll back through it; it decides when a commit is due, and makes it
 * when every stream has got to a point that can be committed.
 */
export interface Loads extends AsyncDisposable {
  /** Writes a batch of a stream's table; resolves when there is room for more. */
  write(run: StreamRun, table: TableRun, batch: Batch, bytes: number, known?: KnownOfRows): Promise<void>;
  /** Takes rows of a stream's table that were refused when they were read; `values` were left out of others. */
  refuse(run: StreamRun, table: TableRun, refused: readonly RefusedRow[], values: number): Promise<void>;
  /**
   * Writes rows of a quarantine once more, and what became of each into its log: `told` says it by what the contract refuses of them, by places.
   * Resolves with how many values the contract left out.
   */
  replay(
    run: StreamRun,
    table: TableRun,
    rows: readonly ReplayedRows[],
    told: (offences: ReadonlyMap<number, Offence>) => readonly QuarantineEntry[],
  ): Promise<number>;
  /** A stream offers a point to resume from: a savepoint, and, where a commit is due, the stream's part of it. */
  checkpoint(run: StreamRun, cursor: unknown): Promise<void>;
  /** A stream was read to its end. */
  end(run: StreamRun): Promise<void>;
  /** Drops what a stream wrote after its last sealed mark; all it wrote where it takes effect as a whole. */
  rollback(run: StreamRun): Promise<void>;
  /** A stream is read no further: what came before its last checkpoint is kept, where nothing has been written since. Resolves with why it is not. */
  cut(run: StreamRun): Promise<AlluviumError | undefined>;
  /** Looks again whether a due commit can be made: for use after a stream came to rest. */
  settle(): Promise<void>;
  /** Commits what is sealed: for use when no stream is read any more. */
  finish(): Promise<void>;
  /** Commits how checks of committed tables came out, in a load of their own: for use after {@link Loads.finish}. */
  record(results: readonly TableResults[]): Promise<void>;
}

/** Opens the first load. */
export async function openLoads(options: LoadsOptions): Promise<Loads> {
  const { session, streams, signal } = options;
  const gate = createGate();
  const incarnation = options.state?.incarnation ?? randomBytes(16).toString("hex");
  let state = options.state;
  let nextId: string | undefined;
  let nextUsed = false;
  let bytes = 0;
  let due = false;
  let begun = Date.now();
  let waiting: (() => void)[] = [];
  let committed = false;
  /** The tables of the present load. */
  let planned = new Set<TableRun>();
  let load: Load = await begin(timeOrderedId());

  function begin(loadId: string): Promise<Load> {
    begun = Date.now();
    committed = false;
    const tables = streams.filter((run) => !isDone(run)).flatMap((run) => run.tables);
    planned = new Set(tables);
    return session.begin({
      loadId,
      startedAt: new Date(begun),
      tables: tables.map((table) => table.plan()),
    });
  }

  function isDue(): boolean {
    due ||= bytes >= options.commitBytes || Date.now() - begun >= options.commitInterval;
    return due;
  }

  /** A deadline cuts streams wherever they are, so they are sealed ever sooner as it comes near: at worst half of the time is lost. */
  function beforeDeadline(run: StreamRun): boolean {
    const { deadline } = options;
    if (deadline === undefined) return false;
    const now = Date.now();
    return now - run.sealedAt >= deadline - now;
  }

  /** Where the last attempt failed, what came right before is sealed: if it fails there again, that is committed. */
  function beforeFailure({ brink, rows }: StreamRun): boolean {
    return brink !== undefined && rows >= brink.from && rows <= brink.to;
  }

  function isReady(): boolean {
    return (
      due &&
      streams.some((run) => run.seal !== undefined) &&
      streams.every((run) => run.status !== "reading" || run.closed || !isResumable(run) || !run.offered)
    );
  }

  /** Only inside the gate: a commit must not come between the destination's mark and ours, nor before what was decided is done. */
  async function mark(run: StreamRun, as: "savepoint" | "seal" | "close" | "end"): Promise<void> {
    const { position } = run;
    const seal = as !== "savepoint";
    if (seal) {
      for (const table of run.tables) stopExcess(run, table, true);
      refuseFailed(run);
    }
    const cursor =
      seal && position !== undefined && keepsCursor(run)
        ? run.stream.cursor.encode(position.cursor)
        : undefined;
    try {
      await load.mark(run.stream.name, { seal, end: as === "end" });
    } catch (error) {
      // A seal that failed may hold or not. It must not get into a commit, so everything back to the last one goes.
      if (seal) await undo(run, true);
      throw error;
    }
    run.loose = 0;
    run.savedRows = run.rows;
    run.offered = true;
    if (!seal) return;
    run.seal = { cursor, position };
    run.refusals.seal();
    for (const { checks } of run.tables) checks?.seal(as === "close");
    if (cursor !== undefined) run.since = position?.cursor;
    run.sealedRows = run.rows;
    run.sealedAt = Date.now();
    run.closed = as === "close";
    if (as === "end") run.status = "ended";
  }

  /** Ends a stream of which too many rows are refused, before anything of it is sealed. */
  function stopExcess(run: StreamRun, table: TableRun, isWhole: boolean): void {
    const excess = quarantineExcess(table, run.refusals.of(table.table), isWhole);
    if (excess !== undefined) throw excess;
  }

  async function settle(): Promise<void> {
    if (!isReady()) return;
    await gate.alone(async () => {
      // Somebody else may have committed while we waited, or a stream may have begun to read.
      if (isReady()) await commit(true);
    });
  }

  /** What fails here fails the run: nobody can say what the destination holds now but the next run, when it recovers. */
  async function commit(goOn: boolean): Promise<void> {
    try {
      signal.throwIfAborted();
      await commitSealed(goOn);
    } catch (error) {
      options.fail(error);
      throw error;
    }
  }

  async function commitSealed(goOn: boolean): Promise<void> {
    const sealed = streams.filter((run) => run.seal !== undefined);
    const now = new Date();
    // What a replay writes is a part of a table: counts and the like are about whole runs.
    const checked = sealed
      .filter((run) => !run.replays)
      .flatMap((run) => run.tables.flatMap((table) => resultsOf(table)));
    const next = followingState(state, sealed, { incarnation, loadId: load.loadId, now });
    if (nextUsed || sealed.some((run) => isChanged(state, next, run))) {
      const schemaChanges = new Map(
        sealed.flatMap((run) => run.tables.map((table) => [table.table, table.changes()] as const)),
      );
      await writeResults(checked);
      const receipt = await load.commit(next, { signal, schemaChanges });
      committed = true;
      state = withParked({ ...next, loadId: receipt.loadId, sequence: receipt.sequence }, receipt);
      const { loadId, sequence, tables } = receipt;
      options.emit({ type: "loadCommitted", loadId, sequence, tables });
      const parked = new Set(tables.filter((part) => part.parked !== undefined).map(({ table }) => table));
      for (const run of sealed) for (const table of run.tables) if (!parked.has(table.table)) table.commit();
      options.onCommit(receipt, sealed, new Map(sealed.flatMap((run) => [...run.refusals.commit()])));
      if (goOn && !streams.every(isDone)) load = await begin(nextId ?? timeOrderedId());
    }
    for (const one of checked) options.onChecks(one);
    for (const run of sealed) for (const { checks } of run.tables) checks?.commit();
    nextId = undefined;
    nextUsed = false;
    bytes = 0;
    due = false;
    begun = Date.now();
    for (const run of sealed) {
      run.committed = true;
      run.refresh = undefined;
      run.committedSince = run.since;
      run.committedRows = run.sealedRows;
      run.seal = undefined;
      run.closed = false;
      run.offered = false;
    }
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  }

  /** Stops a stream of which something fails a check before it can be committed. Nothing of it is lost: the report has all results. */
  function refuseFailed(run: StreamRun): void {
    const failed = run.tables.map(({ checks }) => checks?.failure()).find((error) => error !== undefined);
    if (failed === undefined) return;
    for (const table of run.tables) for (const one of resultsOf(table, true)) options.onChecks(one);
    throw failed;
  }

  /** Results go into the load that they are about. */
  async function writeResults(checked: readonly TableResults[]): Promise<void> {
    if (checked.length === 0) return;
    const { checkRows, planChecksTable } = await import("./quality.ts");
    const { capabilities } = options;
    const rows = checkRows(checked, { ...options.run, loadId: load.loadId, now: new Date() }, capabilities);
    await load.add(planChecksTable(capabilities));
    await load.write(checksTable, rows, { signal });
    await load.mark(checksTable, { seal: true, end: true });
  }

  /** Waits until the load for which `run` is closed is committed. */
  async function reopened(run: StreamRun): Promise<void> {
    while (run.closed) {
      run.status = "paused";
      await settle();
      if (!run.closed) break;
      await abortable<void>(signal, (resolve) => waiting.push(resolve));
    }
    if (run.status === "paused") run.status = "reading";
  }

  function rollback(run: StreamRun): Promise<void> {
    run.status = "paused";
    return gate.shared(() => undo(run, run.wholeSet));
  }

  /** Only inside the gate. */
  async function undo(run: StreamRun, generation: boolean): Promise<void> {
    try {
      await load.rollback(run.stream.name, { generation });
    } catch (error) {
      options.fail(error);
      throw error;
    }
    if (generation) {
      run.since = run.committedSince;
      run.sealedRows = run.committedRows;
      run.seal = undefined;
      run.closed = false;
      for (const table of run.tables) table.restart();
    }
    run.refusals.rollback(generation);
    for (const { checks } of run.tables) checks?.rollback(generation);
    run.rows = run.sealedRows;
    run.savedRows = run.sealedRows;
    run.position = undefined;
    run.offered = false;
    run.loose = 0;
  }

  /** The load to which what a stream writes now belongs. Only inside the gate, so that neither it nor a schema changes under a batch. */
  function loadOf(run: StreamRun): string {
    if (!run.closed) return load.loadId;
    nextUsed = true;
    return (nextId ??= timeOrderedId());
  }

  /** Only inside the gate. */
  async function put(run: StreamRun, table: TableRun, batch: Batch): Promise<void> {
    if (batch.length === 0) return;
    if (!planned.has(table)) await load.add(table.plan());
    planned.add(table);
    // Before the write: one that fails may have left rows behind.
    run.loose += batch.length;
    await load.write(table.table, batch, { signal });
    table.rows += batch.length;
  }

  /** Only inside the gate. */
  async function quarantine(
    run: StreamRun,
    owner: TableRun,
    refused: readonly RefusedRow[],
    discarded: { readonly rows: number; readonly values: number },
  ): Promise<void> {
    const { table, quarantine: log } = owner;
    const first = run.refusals.of(table).quarantined;
    const { rows, values } = discarded;
    const kinds = new Map(refused.map((row) => [`${row.rule}\n${row.column}`, row.message]));
    const examples = [...kinds.values()].slice(0, 3);
    if (rows + values + refused.length > 0)
      run.refusals.add(table, { quarantined: refused.length, rows, values, examples });
    // What is left out is read all the same: where it came from must not be read again.
    run.loose += rows;
    if (refused.length === 0 || log === undefined) return;
    stopExcess(run, owner, false);
    if (!run.tables.includes(log)) run.tables.push(log);
    const entries = refused.map((row) => ({ ...row, event: "refused" as const }));
    await put(run, log, log.rowsOf(entries, loadOf(run), first));
    const stream = run.stream.name;
    options.emit({ type: "rowsQuarantined", stream, table, quarantine: log.table, rows: refused.length });
  }

  /** Only inside the gate. Rows that the contract refuses go, with all that belongs to them in child tables, before anything is written. */
  async function writeParts(
    run: StreamRun,
    table: TableRun,
    given: Batch,
    { failed, locate }: KnownOfRows,
  ): Promise<void> {
    let batch = given;
    /** Which row of `given` each row is. */
    let from: Int32Array | undefined;
    let tested = false;
    for (;;) {
      const loadId = loadOf(run);
      const parts = (await table.nested?.split(batch, loadId)) ?? [{ table, batch }];
      const restricted = parts.map((part) => ({ ...part, ...part.table.restrict(part.batch) }));
      const at: Locate | undefined = locate && ((row) => locate(from === undefined ? row : from[row]!));
      let refusal = refusalOf(batch, parts, restricted, at);
      if (refusal === undefined && !tested && parts.some((part) => part.table.checks !== undefined)) {
        tested = true;
        const { testParts } = await import("./quality.ts");
        refusal = testParts(batch, parts, restricted, failed && rowsAmong(failed, from), at);
      }
      if (tested && run.tables.some(({ checks }) => checks?.isDoomed())) {
        // It will not be committed, so it need not be written; what comes is only counted.
        run.loose += batch.length;
        return;
      }
      if (refusal === undefined) {
        const values = restricted.reduce((sum, { discarded }) => sum + discarded, 0);
        for (const part of restricted) part.table.checks?.count(part.batch);
        for (const part of restricted) await put(run, part.table, part.table.conform(part.batch, loadId));
        await quarantine(run, table, [], { rows: 0, values });
        return;
      }
      const { kept, refused, discarded } = refusal;
      await quarantine(run, table, refused, { rows: discarded, values: 0 });
      if (kept.length === 0) return;
      batch = takeBatch(batch, kept);
      from = from === undefined ? kept : kept.map((row) => from![row]!);
    }
  }

  return {
    write: (run, table, batch, size, known = {}) =>
      gate.shared(async () => {
        run.refusals.add(table.table, { read: batch.length });
        await writeParts(run, table, run.ordinals.place(batch), known);
        run.rows += batch.length;
        bytes += size;
      }),
    refuse: (run, table, rows, values) =>
      gate.shared(async () => {
        run.refusals.add(table.table, { read: rows.length });
        const { refused, discarded } = table.refuse(rows);
        await quarantine(run, table, refused, { rows: discarded, values });
        run.rows += rows.length;
      }),
    replay: (run, table, rows, told) =>
      gate.shared(async () => {
        const loadId = loadOf(run);
        const offences = new Map<number, Offence>();
        let left = 0;
        for (const { batch, places, failed } of rows) {
          const split = async (part: Batch): Promise<readonly TablePart[]> =>
            (await table.nested?.split(part, loadId)) ?? [{ table, batch: part }];
          const replayed = await partsOfReplay({ batch: run.ordinals.place(batch), places, failed }, split);
          for (const part of replayed.parts)
            await put(run, part.table, part.table.conform(part.batch, loadId));
          for (const [place, offence] of replayed.offences) offences.set(place, offence);
          left += replayed.values;
        }
        const log = table.quarantine!;
        if (!run.tables.includes(log)) run.tables.push(log);
        const entries = told(offences);
        await put(run, log, log.rowsOf(entries, loadId, 0));
        run.rows += entries.length;
        return left;
      }),
    async checkpoint(run, cursor) {
      run.position = { cursor };
      await gate.shared(() => {
        const isFree = isResumable(run) && !run.closed;
        const isSealed = isFree && (beforeDeadline(run) || beforeFailure(run));
        return mark(run, isFree && isDue() ? "close" : isSealed ? "seal" : "savepoint");
      });
      if (run.closed) await settle();
    },
    async end(run) {
      if (run.loose > 0 && run.position !== undefined && keepsCursor(run))
        throw new AlluviumError(
          "ALV_SOURCE_FAILED",
          `stream ${run.stream.name} yielded ${run.loose} rows after its last checkpoint and ended; a stream that yields checkpoints yields the last one at its end`,
          { resource: run.stream.name, step: "read" },
        );
      if (!run.replays) for (const { checks } of run.tables) await checks?.end(signal);
      // Before what the tables say: of what fails a check nothing was written.
      refuseFailed(run);
      // A replay is no read: nothing can be missing from it.
      if (!run.replays) for (const table of run.tables) table.finish();
      await reopened(run);
      await gate.shared(() => mark(run, "end"));
      isDue();
      await settle();
    },
    async cut(run) {
      const clean = run.loose === 0 && run.position !== undefined;
      if (!clean || !isResumable(run) || run.closed) {
        await rollback(run);
        return undefined;
      }
      try {
        await gate.shared(() => mark(run, "seal"));
        return undefined;
      } catch (error) {
        await rollback(run);
        return AlluviumError.is(error) && error.code === "ALV_CHECK_FAILED" ? error : undefined;
      }
    },
    rollback,
    settle,
    async finish() {
      if (streams.some((run) => run.seal !== undefined)) await gate.alone(() => commit(false));
    },
    async record(results) {
      if (state === undefined) return;
      if (committed) load = await begin(timeOrderedId());
      const now = new Date();
      await writeResults(results);
      const next = followingState(state, [], { incarnation, loadId: load.loadId, now });
      const receipt = await load.commit(next, { signal });
      committed = true;
      state = { ...next, loadId: receipt.loadId, sequence: receipt.sequence };
      options.emit({
        type: "loadCommitted",
        loadId: receipt.loadId,
        sequence: receipt.sequence,
        tables: receipt.tables,
      });
      options.onCommit(receipt, [], new Map());
    },
    async [Symbol.asyncDispose]() {
      await load[Symbol.asyncDispose]();
    },
  };
}

/** What a table's checks say of what is sealed; `all`: of what is not, too. */
function resultsOf({ table, checks }: TableRun, all = false): readonly TableResults[] {
  const results = checks?.results(all) ?? [];
  return results.length === 0 ? [] : [{ table, results }];
}

/** Remembers what the destination set aside. */
function withParked(state: PipelineState, receipt: LoadReceipt): PipelineState {
  const tables = { ...state.tables };
  for (const { table, parked } of receipt.tables) {
    const known = tables[table];
    if (parked !== undefined && known !== undefined)
      tables[table] = { ...known, parked: { loadId: receipt.loadId, reason: parked } };
  }
  return { ...state, tables };
}
