import type { DestinationSession, LoadReceipt } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import type { PipelineState } from "../state/state.ts";
import type { SourceSession, Stream } from "../stream.ts";
import { closing } from "./closing.ts";
import { createBudget, shareBudget } from "./budget.ts";
import type { PipelineDefinition, RunOptions } from "./definition.ts";
import { createEmitter, type Emit } from "./emitter.ts";
import { timeOrderedId } from "./id.ts";
import { openLoads, type Loads } from "./loads.ts";
import { chooseStreams, planRun } from "./plan.ts";
import { readStream } from "./read-stream.ts";
import { createReportBuilder, type ReportBuilder } from "./report-builder.ts";
import type { RunReport } from "./report.ts";
import { asError } from "./retry.ts";
import { sampleStreams } from "./sample.ts";
import { createAcknowledger } from "./acknowledge.ts";
import { openDestination } from "./session.ts";
import { createStops, type Stops } from "./stops.ts";
import type { StreamRun } from "./stream-run.ts";

/** Bytes that a run may hold at once, unless it says otherwise. */
const defaultBudget = 96 * 1024 * 1024;

/** A run in progress. */
interface Context {
  readonly definition: PipelineDefinition;
  readonly options: RunOptions;
  readonly runId: string;
  readonly emit: Emit;
  readonly report: ReportBuilder;
  readonly stops: Stops;
  readonly concurrency: number;
  readonly budget: number;
}

/**
 * Carries out one run of a pipeline: finishes what an earlier one left, reads every stream from where it stopped, and commits. Resolves
 * with the report, also when the deadline cut it (`complete: false`). Rejects with an {@link AlluviumError} that has the `report` when
 * a stream or the destination failed (what other streams read is committed first), or with `signal.reason` after an abort, which commits
 * nothing further; the event `runFinished` carries the report in every case.
 */
export async function runPipeline(
  definition: PipelineDefinition,
  options: RunOptions = {},
): Promise<RunReport> {
  checkOptions(definition, options);
  options.signal?.throwIfAborted();
  const runId = options.runId ?? timeOrderedId();
  const lane = definition.lane ?? "main";
  const report = createReportBuilder({
    pipeline: definition.name,
    lane,
    runId,
    startedAt: new Date(),
  });
  const emit = createEmitter([(event) => report.onEvent(event), definition.onEvent, options.onEvent]);
  const stops = createStops(options.signal, options.deadline);
  const context: Context = {
    definition,
    options,
    runId,
    emit,
    report,
    stops,
    concurrency: definition.concurrency ?? 4,
    budget: definition.budget ?? defaultBudget,
  };
  emit({
    type: "runStarted",
    pipeline: definition.name,
    lane,
    runId,
    resources: options.only ?? [],
  });
  let failure: unknown;
  try {
    failure = await (options.limit === undefined ? load(context) : sample(context));
  } catch (error) {
    failure = error;
  } finally {
    stops.dispose();
  }
  const built = report.build(new Date());
  emit({ type: "runFinished", report: built });
  if (options.signal?.aborted === true && failure !== undefined) throw options.signal.reason;
  if (failure === undefined) return built;
  throw withReport(failure, definition.name, built);
}

/** Runs with a destination. Resolves with the error of a failed stream when the others are committed. */
async function load(context: Context): Promise<AlluviumError | undefined> {
  const { definition, emit, stops } = context;
  const shares = shareBudget(context.budget, context.concurrency);
  const call = { runId: context.runId, signal: stops.ending, budget: shares.destination, emit };
  return await closing("destination", await openDestination(definition, call), emit, async (session) => {
    // Before the source is opened: its snapshot is to be newer than what the run before this one has committed.
    const state = await session.recover({ signal: stops.ending });
    const source = await openSource(context, shares.source);
    return await closing("source", source, emit, async ({ streams }) =>
      loadStreams(context, session, state, streams),
    );
  });
}

async function loadStreams(
  context: Context,
  session: DestinationSession,
  state: PipelineState | undefined,
  all: readonly Stream[],
): Promise<AlluviumError | undefined> {
  const { definition, options, emit, report, stops } = context;
  const { destination } = definition;
  const streams = await planRun({
    streams: all,
    run: options,
    destination: destination.name,
    capabilities: destination.capabilities,
    session,
    state,
    loadIdColumn: definition.loadIdColumn ?? true,
    onChange: (table, changes) => emit({ type: "schemaChanged", table, changes }),
    onCommit: (table, changes) => report.schemaChanges(table, changes),
  });
  for (const run of streams)
    for (const table of run.tables)
      report.table(table.resource, table.table, run.stream.name, table.disposition);

  const acknowledger = createAcknowledger(emit, stops.ending);
  const loads = await openLoads({
    session,
    state,
    streams,
    emit,
    signal: stops.ending,
    commitBytes: options.commitBytes ?? 1024 ** 3,
    commitInterval: options.commitInterval ?? 300_000,
    deadline: options.deadline?.getTime(),
    fail: stops.fail,
    onCommit: (receipt, committed) => {
      report.load(receipt);
      park(receipt, streams);
      for (const { stream, seal } of committed)
        if (seal?.position !== undefined) acknowledger.acknowledge(stream, seal.position.cursor);
    },
  });
  return await closing("acknowledgements", acknowledger, emit, () =>
    closing("load", loads, emit, async () => {
      const errors = await readAll(streams, loads, context);
      await loads.finish();
      return conclude(streams, errors, report);
    }),
  );
}

function openSource(context: Context, budget: number): Promise<SourceSession> {
  const { options, stops } = context;
  return context.definition.source.open({
    signal: stops.ending,
    ...(options.only === undefined ? {} : { only: options.only }),
    budget,
    concurrency: context.concurrency,
    emit: context.emit,
  });
}

/** Reads the streams, so many at once, in the order in which the source names them. */
async function readAll(
  streams: readonly StreamRun[],
  loads: Loads,
  context: Context,
): Promise<ReadonlyMap<StreamRun, AlluviumError>> {
  const { options, emit, stops, concurrency } = context;
  const shares = shareBudget(context.budget, concurrency);
  const errors = new Map<StreamRun, AlluviumError>();
  const queue = streams.filter(({ status }) => status === "waiting");
  const window =
    options.since === undefined && options.until === undefined
      ? undefined
      : { since: options.since, until: options.until };
  const surplus = createBudget(shares.surplus);
  const work = async (): Promise<void> => {
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
      if (stops.reading.aborted) {
        run.status = "cut";
        continue;
      }
      const error = await readStream(run, {
        loads,
        emit,
        reading: stops.reading,
        ending: stops.ending,
        shares,
        surplus,
        streamBudget: Math.floor(shares.source / concurrency),
        attempts: options.retry?.attempts ?? 5,
        minDelay: options.retry?.minDelay ?? 500,
        maxDelay: options.retry?.maxDelay ?? 30_000,
        window,
      });
      if (error !== undefined) errors.set(run, error);
    }
  };
  const workers = Array.from({ length: Math.min(concurrency, queue.length) }, async () => {
    try {
      await work();
    } catch (error) {
      // One that rejects means the end of the run: the others are to stop too.
      stops.fail(error);
      throw error;
    }
  });
  // All of them, so that nothing is still at work when sessions are closed.
  const results = await Promise.allSettled(workers);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw stops.ending.aborted ? stops.ending.reason : failed.reason;
  return errors;
}

/** Stops the streams whose tables the destination set aside. */
function park(receipt: LoadReceipt, streams: readonly StreamRun[]): void {
  const parked = new Set(
    receipt.tables.filter((table) => table.parked !== undefined).map(({ table }) => table),
  );
  if (parked.size === 0) return;
  for (const run of streams)
    if (run.tables.some(({ table }) => parked.has(table))) {
      run.status = "parked";
      run.stop?.abort(new Error(`a table of ${run.stream.name} was set aside`));
    }
}

/** Says of each stream how it came out. */
function conclude(
  streams: readonly StreamRun[],
  errors: ReadonlyMap<StreamRun, AlluviumError>,
  report: ReportBuilder,
): AlluviumError | undefined {
  for (const run of streams) {
    const stream = run.stream.name;
    const problem = (code: string, message: string): void => report.problem({ stream, code, message });
    const error = errors.get(run);
    if (run.status === "ended") report.finished(stream);
    else if (error !== undefined) problem(error.code, error.message);
    else if (run.status === "parked")
      problem(
        "ALV_TABLE_PARKED",
        `${run.tables.map(({ table }) => table).join(", ")} could not be written and is set aside; settle it with retry, skip or resync`,
      );
    else if (run.committed && !run.wholeSet)
      problem(
        "ALV_DEADLINE",
        "the deadline came before its end; the next run goes on from its last checkpoint",
      );
    else if (run.read)
      problem(
        "ALV_NO_CHECKPOINT",
        "the deadline came before its end, and it offered no checkpoint to resume from, so nothing of it was committed; give it more time, or a cursor in ascending order",
      );
    else problem("ALV_DEADLINE", "the deadline came before it was read");
  }
  return errors.values().next().value;
}

/** Takes some rows of each stream into the report, and writes nothing. */
async function sample(context: Context): Promise<undefined> {
  const { definition, options, report, emit, stops, concurrency } = context;
  const shares = shareBudget(context.budget, concurrency);
  const source = await openSource(context, shares.source);
  const sampling = {
    limit: options.limit ?? 0,
    only: options.only,
    window:
      options.since === undefined && options.until === undefined
        ? undefined
        : { since: options.since, until: options.until },
    capabilities: definition.destination.capabilities,
    budget: Math.floor(shares.source / concurrency),
    reading: stops.reading,
    ending: stops.ending,
    emit,
    report,
  };
  await closing("source", source, emit, () =>
    sampleStreams(chooseStreams(source.streams, options.only), sampling),
  );
}

function withReport(failure: unknown, pipeline: string, report: RunReport): AlluviumError {
  const error = asError(failure, { resource: pipeline, step: "run" }).at({ pipeline });
  const { resource, load, step } = error;
  const whole = new AlluviumError(error.code, error.message, {
    pipeline: error.pipeline ?? pipeline,
    ...(resource === undefined ? {} : { resource }),
    ...(load === undefined ? {} : { load }),
    ...(step === undefined ? {} : { step }),
    cause: error.cause,
    retryable: error.retryable,
    report,
  });
  if (error.stack !== undefined) whole.stack = error.stack;
  return whole;
}

function checkOptions(definition: PipelineDefinition, options: RunOptions): void {
  const refuse = (name: string, value: unknown, wanted: string): never => {
    throw new AlluviumError("ALV_CONFIG", `${name} is ${String(value)}; it must be ${wanted}`, {
      pipeline: definition.name,
      step: "plan",
    });
  };
  const positive = (name: string, value: number | undefined, least = 1): void => {
    if (value !== undefined && !(value >= least)) refuse(name, value, `a number of at least ${least}`);
  };
  if (definition.name === "") refuse("name", '""', "a name: the pipeline's state is kept under it");
  if (definition.lane === "") refuse("lane", '""', 'a name, such as "main"');
  positive("budget", definition.budget, 1024 * 1024);
  positive("concurrency", definition.concurrency);
  positive("limit", options.limit);
  positive("commitBytes", options.commitBytes);
  positive("commitInterval", options.commitInterval, 0);
  positive("retry.attempts", options.retry?.attempts);
  if (options.deadline !== undefined && Number.isNaN(options.deadline.getTime()))
    refuse("deadline", options.deadline, "a valid Date");
}
