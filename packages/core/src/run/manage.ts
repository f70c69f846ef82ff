import type { DestinationSession, LoadRecord, ParkedTable } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import { encodeSchemaDocument, type SchemaDocument } from "../state/schema-document.ts";
import type { PipelineState } from "../state/state.ts";
import type { PipelineDefinition } from "./definition.ts";
import { closing } from "./closing.ts";
import { createEmitter, type Emit } from "./emitter.ts";
import { timeOrderedId } from "./id.ts";
import { loadIdField } from "./spelling.ts";
import { openDestination } from "./session.ts";

/** Options of what is asked of a pipeline outside of a run. */
export interface ManageOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * What the pipeline remembers; `undefined` before its first load. Like a run it takes the pipeline and first finishes what a crash
 * left, so during a live run it waits, then throws `ALV_CONCURRENT_RUN`.
 */
export function readState(
  definition: PipelineDefinition,
  options: ManageOptions = {},
): Promise<PipelineState | undefined> {
  return withSession(definition, options, (_, state) => Promise.resolve(state));
}

/** The pipeline's loads, newest first. Takes the pipeline like {@link readState}. */
export function readHistory(
  definition: PipelineDefinition,
  options: ManageOptions & { readonly limit?: number | undefined } = {},
): Promise<readonly LoadRecord[]> {
  return withSession(definition, options, async (session) => {
    const { limit = Infinity } = options;
    const loads: LoadRecord[] = [];
    const records = session.history?.({ limit: options.limit });
    if (records === undefined) throw cannot(definition, "list its loads");
    for await (const record of records) {
      if (loads.length >= limit) break;
      loads.push(record);
    }
    return loads;
  });
}

/** The tables that are set aside. Takes the pipeline like {@link readState}. */
export function listParked(
  definition: PipelineDefinition,
  options: ManageOptions = {},
): Promise<readonly ParkedTable[]> {
  return withSession(definition, options, async (session) => (await session.parked?.()) ?? []);
}

/**
 * Settles a table that is set aside: `retry` tries its load again, `skip` gives up that load's rows, `resync` forgets the cursor so that
 * the next run reads everything again. Takes the pipeline like {@link readState}.
 */
export function settleParked(
  definition: PipelineDefinition,
  table: string,
  how: "retry" | "skip" | "resync",
  options: ManageOptions = {},
): Promise<void> {
  return withSession(definition, options, async (session) => {
    if (session.settle === undefined) throw cannot(definition, "set tables aside");
    await session.settle(table, how);
  });
}

/** The schemas of the pipeline's tables, as committed. Takes nothing and waits for nobody. */
export function readSchema(
  definition: PipelineDefinition,
  options: ManageOptions = {},
): Promise<SchemaDocument> {
  const isSystem = (column: string): boolean => column === loadIdField.name;
  return withSession(definition, { ...options, readOnly: true }, async (_, state) =>
    encodeSchemaDocument(state, isSystem),
  );
}

function withSession<Result>(
  definition: PipelineDefinition,
  options: ManageOptions & { readonly readOnly?: boolean },
  work: (session: DestinationSession, state: PipelineState | undefined) => Promise<Result>,
): Promise<Result> {
  return withPipeline(definition, options, ({ session, state }) => work(session, state));
}

/** A pipeline that was opened for one call outside of a run. */
export interface OpenPipeline {
  readonly session: DestinationSession;
  readonly state: PipelineState | undefined;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/** Opens the destination, finishes what a crash left, and reads the state. */
export async function withPipeline<Result>(
  definition: PipelineDefinition,
  options: ManageOptions & { readonly readOnly?: boolean },
  work: (opened: OpenPipeline) => Promise<Result>,
): Promise<Result> {
  const { readOnly = false } = options;
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  const emit = createEmitter([definition.onEvent]);
  const call = { runId: timeOrderedId(), signal, budget: 16 * 1024 * 1024, emit };
  return await closing("destination", await openDestination(definition, call), emit, async (session) => {
    const state = await session.recover({ signal, readOnly });
    return await work({ session, state, signal, emit });
  });
}

function cannot(definition: PipelineDefinition, what: string): AlluviumError {
  return new AlluviumError("ALV_UNSUPPORTED", `${definition.destination.name} does not ${what}`, {
    pipeline: definition.name,
  });
}
