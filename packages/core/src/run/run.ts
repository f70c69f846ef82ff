import type { DestinationSession, LoadReceipt } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import { openResources } from "../read/open.ts";
import { decodeSchemaDocument } from "../state/schema-document.ts";
import type { PipelineState } from "../state/state.ts";
import type { SourceSession, Stream, StreamContext } from "../stream.ts";
import { checkOptions } from "./check-options.ts";
import type { TableResults } from "./table-results.ts";
import { createAcknowledger } from "./acknowledge.ts";
import { createBudget, shareBudget, type Shares } from "./budget.ts";
import { closing } from "./closing.ts";
import type { PipelineDefinition, RunOptions } from "./definition.ts";
import { createEmitter, type Emit } from "./emitter.ts";
import { timeOrderedId } from "./id.ts";
import { openLoads, type Loads } from "./loads.ts";
import { chooseStreams, planRun, type PlanOptions } from "./plan.ts";
import { readStream } from "./read-stream.ts";
import { createReportBuilder, type ReportBuilder } from "./report-builder.ts";
import type { RunReport } from "./report.ts";
import { asError, messageOf } from "./retry.ts";
import { planOnly } from "./dry-run.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import { sampleStreams } from "./sample.ts";
import { openDestination } from "./session.ts";
import { createStops, type Stops } from "./stops.ts";
import { isOwn, type StreamRun } from "./stream-run.ts";

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
  readonly shares: Shares;
  /** What one stream may hold read ahead. */
  readonly streamBudget: number;
  /** What the tables may be. */
  readonly contract: PlanOptions["contract"];
  /** The window of a backfill. */
  readonly window: StreamContext["window"];
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
  const contract = definition.contract === undefined ? undefined : decodeSchemaDocument(definition.contract);
  const { signal, since, until, runId = timeOrderedId() } = options;
  signal?.throwIfAborted();
  const { name: pipeline, lane = "main", concurrency = 4, budget = defaultBudget } = definition;
  const report = createReportBuilder({ pipeline, lane, runId, startedAt: new Date() });
  const emit = createEmitter([(event) => report.onEvent(event), definition.onEvent, options.onEvent]);
  const stops = createStops(signal, options.deadline);
  const shares = shareBudget(budget, concurrency);
  const context: Context = {
    definition,
    options,
    runId,
    emit,
    report,
    stops,
    concurrency,
    shares,
    streamBudget: Math.floor(shares.source / concurrency),
    contract,
    window: since === undefined && until === undefined ? undefined : { since, until },
  };
  emit({ type: "runStarted", pipeline, lane, runId, resources: options.only ?? [] });
  let failure: unknown;
  try {
    failure = await (options.limit !== undefined
      ? sample(context)
      : options.dryRun === true
        ? dryRun(context)
        : load(context));
  } catch (error) {
    // What ends the whole run is no stream's problem, and without one the report would call the run complete.
    failure = signal?.aborted === true ? error : asError(error, { step: "run" });
    const code = AlluviumError.is(failure) ? failure.code : "aborted";
    report.problem({ stream: undefined, code, message: messageOf(failure) });
  } finally {
    stops.dispose();
  }
  const built = report.build(new Date());
  emit({ type: "runFinished", report: built });
  if (failure === undefined) return built;
  if (signal?.aborted === true) throw signal.reason;
  throw asError(failure, { step: "run" }).at({ pipeline, report: built });
}

/** Runs with a destination. Resolves with the error of a failed stream when the others are committed. */
async function load(context: Context): Promise<AlluviumError | undefined> {
  const { definition, runId, emit, stops, shares } = context;
  const call = { runId, signal: stops.ending, budget: shares.destination, emit };
  return await closing("destination", await openDestination(definition, call), emit, async (session) => {
    // Before the source is opened: its snapshot is to be newer than what the run before this one has committed.
    const state = await session.recover({ signal: stops.ending });
    return await closing("source", await openSource(context), emit, ({ streams }) =>
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
  const { definition, runId, options, emit, report, stops, streamBudget: budget } = context;
  const { commitBytes = 1024 ** 3, commitInterval = 300_000, deadline } = options;
  const streams = await plan(context, session, state, all, (table, changes) =>
    emit({ type: "schemaChanged", table, changes }),
  );

  const onChecks = ({ table, results }: TableResults): void => {
    report.checks(table, results);
    for (const check of results) emit({ type: "checkFinished", table, check });
  };
  const acknowledger = createAcknowledger(emit, stops.ending);
  const loads = await openLoads({
    session,
    capabilities: definition.destination.capabilities,
    run: { runId, pipeline: definition.name, lane: definition.lane ?? "main" },
    state,
    streams,
    emit,
    onChecks,
    signal: stops.ending,
    commitBytes,
    commitInterval,
    deadline: deadline?.getTime(),
    fail: stops.fail,
    onCommit: (receipt, committed, refusals) => {
      report.load(receipt);
      for (const [table, counts] of refusals) report.refusals(table, counts);
      park(receipt, streams);
      for (const { stream, seal } of committed)
        if (seal?.position !== undefined) acknowledger.acknowledge(stream, seal.position.cursor);
    },
  });
  return await closing("acknowledgements", acknowledger, emit, () =>
    closing("load", loads, emit, async () => {
      const errors = await readAll(streams, loads, context);
      await loads.finish();
      if (!streams.some(({ tables }) => tables.some(({ checks }) => (checks?.after.length ?? 0) > 0)))
        return conclude(streams, errors, report);
      const { checkAfter } = await import("./quality.ts");
      const record = loads.record.bind(loads);
      const looking = { session, streams, budget, signal: stops.ending, onChecks, record };
      return conclude(streams, errors, report, await checkAfter(looking));
    }),
  );
}

/** Plans what each stream does, and names the tables in the report. */
async function plan(
  { definition, options, contract, emit, report, window, streamBudget }: Context,
  session: DestinationSession,
  state: PipelineState | undefined,
  all: readonly Stream[],
  onChange: (table: string, changes: readonly SchemaChange[]) => void,
): Promise<readonly StreamRun[]> {
  const streams = await planRun({
    streams: all,
    only: options.only,
    backfill: window !== undefined,
    destination: definition.destination,
    session,
    state,
    loadIdColumn: definition.loadIdColumn ?? true,
    refresh: options.refresh,
    contract,
    policies: options.contract,
    limits: { run: options.quarantine, pipeline: definition.quarantine },
    checkBudget: streamBudget,
    onChange,
    onCommit: (table, changes) => report.schemaChanges(table, changes),
    onRefresh: (table, refresh) => emit({ type: "tableRefreshed", table, refresh }),
    onTable: ({ resource, table, disposition }, { name }) => report.table(resource, table, name, disposition),
  });
  for (const { stream, tables } of streams)
    for (const { resource, table, disposition } of tables.filter(isOwn))
      report.table(resource, table, stream.name, disposition);
  return streams;
}

function openSource({
  definition,
  options,
  stops,
  shares,
  concurrency,
  emit,
}: Context): Promise<SourceSession> {
  const { only } = options;
  const { source } = definition;
  const { contract } = options;
  return source.open({
    signal: stops.ending,
    only,
    isTrial: options.dryRun === true || options.limit !== undefined,
    budget: shares.source,
    concurrency,
    emit,
    contract,
    openResources,
  });
}

/** Reads the streams, so many at once, in the order in which the source names them. */
async function readAll(
  streams: readonly StreamRun[],
  loads: Loads,
  { definition, options, emit, stops, concurrency, shares, streamBudget, window }: Context,
): Promise<ReadonlyMap<StreamRun, AlluviumError>> {
  const { reading, ending } = stops;
  const { attempts = 5, minDelay = 500, maxDelay = 30_000 } = options.retry ?? {};
  const surplus = createBudget(shares.surplus);
  const retry = { attempts, minDelay, maxDelay };
  const releases = definition.destination.capabilities.releasesBatches;
  const read = { loads, emit, reading, ending, shares, surplus, streamBudget, window, releases, ...retry };
  const errors = new Map<StreamRun, AlluviumError>();
  const queue = streams.filter(({ status }) => status === "waiting");
  let failed = false;
  const work = async (): Promise<void> => {
    try {
      for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
        if (reading.aborted) {
          run.status = "cut";
          continue;
        }
        const error = await readStream(run, read);
        if (error !== undefined) errors.set(run, error);
      }
    } catch (error) {
      // One that rejects means the end of the run: the others are to stop too.
      stops.fail(error);
      failed = true;
    }
  };
  // All of them, so that nothing is still at work when sessions are closed.
  await Promise.all(Array.from({ length: Math.min(concurrency, queue.length) }, work));
  if (failed) ending.throwIfAborted();
  return errors;
}

/** Stops the streams whose tables the destination set aside. */
function park(receipt: LoadReceipt, streams: readonly StreamRun[]): void {
  const parked = new Map(
    receipt.tables.flatMap((part) => (part.parked === undefined ? [] : [[part.table, part.parked] as const])),
  );
  for (const run of streams) {
    const reasons = run.tables.flatMap(({ table }) => parked.get(table) ?? []);
    if (reasons.length > 0) {
      run.status = "parked";
      run.parkedWhy = reasons.join("; ");
      run.stop?.abort(new Error(`a table of ${run.stream.name} was set aside`));
    }
  }
}

/** Says of each stream how it came out. */
function conclude(
  streams: readonly StreamRun[],
  errors: ReadonlyMap<StreamRun, AlluviumError>,
  report: ReportBuilder,
  unfit: ReadonlyMap<StreamRun, AlluviumError> = new Map(),
): AlluviumError | undefined {
  const late = "the deadline came before";
  for (const run of streams) {
    const stream = run.stream.name;
    const problem = (code: string, message: string): void => report.problem({ stream, code, message });
    const error = errors.get(run);
    if (run.status === "ended") report.finished(stream);
    else if (error !== undefined) problem(error.code, error.message);
    else if (run.status === "parked")
      problem(
        "ALV_TABLE_PARKED",
        `${run.tables.map(({ table }) => table).join(", ")} could not be written and is set aside (${run.parkedWhy}); settle it with retry, skip or resync`,
      );
    else if (run.committed && !run.wholeSet)
      problem("ALV_DEADLINE", `${late} its end; the next run goes on from its last checkpoint`);
    else if (run.read)
      problem(
        "ALV_NO_CHECKPOINT",
        `${late} its end, and without a checkpoint nothing of it was committed; give it more time, or a cursor in ascending order`,
      );
    else problem("ALV_DEADLINE", `${late} it was read`);
    const failed = unfit.get(run);
    if (failed !== undefined) problem(failed.code, failed.message);
  }
  return errors.values().next().value ?? unfit.values().next().value;
}

/** Plans a run, and writes nothing. Resolves with the error of a stream that could not be loaded. */
async function dryRun(context: Context): Promise<AlluviumError | undefined> {
  const { definition, options, runId, emit, report, stops, shares, streamBudget: budget, window } = context;
  const { reading, ending } = stops;
  const call = { runId, signal: ending, budget: shares.destination, emit };
  return await closing("destination", await openDestination(definition, call), emit, async (session) => {
    const state = await session.recover({ signal: ending, readOnly: true });
    return await closing("source", await openSource(context), emit, async ({ streams: all }) => {
      const changes = new Map<string, readonly SchemaChange[]>();
      const streams = await plan(context, session, state, all, (table, more) =>
        changes.set(table, [...(changes.get(table) ?? []), ...more]),
      );
      const { refresh } = options;
      const looking = { window, budget, reading, ending, emit };
      const found = await planOnly({ session, state, streams, refresh, changes, ...looking });
      report.plan(found.plan);
      return conclude(streams, found.errors, report);
    });
  });
}

/** Takes some rows of each stream into the report, and writes nothing. */
async function sample(context: Context): Promise<undefined> {
  const { definition, options, report, emit, stops, streamBudget: budget, window } = context;
  const { limit = 0, only } = options;
  const { reading, ending } = stops;
  const { capabilities } = definition.destination;
  await closing("source", await openSource(context), emit, ({ streams }) =>
    sampleStreams(chooseStreams(streams, only), {
      limit,
      only,
      window,
      capabilities,
      budget,
      reading,
      ending,
      emit,
      report,
    }),
  );
}
