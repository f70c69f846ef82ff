import { describeValue } from "../columns/refuse.ts";
import { AlluviumError, resourceError } from "../errors.ts";
import type { PipelineState } from "../state/state.ts";
import { closing } from "./closing.ts";
import type { PipelineDefinition } from "./definition.ts";
import { timeOrderedId } from "./id.ts";
import { withPipeline, type ManageOptions, type OpenPipeline } from "./manage.ts";
import { quarantineOf, scanRefusals, type QuarantinedRow } from "./quarantined.ts";

/** What is to be forgotten. */
export interface ForgetOptions<Names extends string = string> extends ManageOptions {
  /** The resource whose quarantine it is. */
  readonly resource: Names;
  /**
   * Whether a row is to go. Asked of every row that was ever refused, those that were replayed or dropped since included. `row` is `refusal.row`: what was
   * refused when it was read has the values of its source, other rows have those of their columns (`bigint` for integers).
   */
  readonly match: (row: Readonly<Record<string, unknown>>, refusal: QuarantinedRow) => boolean;
}

/** Ids that one load takes away. */
const slice = 500;

/**
 * Takes rows, and all that is said of them, out of the quarantine of a resource. Resolves with their number. A call that was cut is completed by the same call.
 */
export async function forgetRows(definition: PipelineDefinition, options: ForgetOptions): Promise<number> {
  const { resource, match } = options;
  if (typeof match !== "function")
    throw new AlluviumError(
      "ALV_CONFIG",
      `match is ${describeValue(match)}; it must be a function of the row`,
      {
        pipeline: definition.name,
        resource,
      },
    );
  return await withPipeline(definition, options, async (opened) => {
    const { session, state, signal } = opened;
    const of = quarantineOf(state, resource);
    if (of.quarantine === undefined) return 0;
    const { name, capabilities } = definition.destination;
    if (session.scan === undefined || !capabilities.abilities.includes("replace"))
      throw resourceError("ALV_UNSUPPORTED", resource, `${name} does not take single rows out of tables`);
    const found = new Set<string>();
    for await (const { refusal } of scanRefusals(session, of, { signal }))
      if (match(refusal.row as Readonly<Record<string, unknown>>, refusal)) found.add(refusal.id);
    const ids = [...found];
    let known = state!;
    for (let at = 0; at < ids.length; at += slice)
      known = await takeAway(opened, known, of.quarantine, ids.slice(at, at + slice));
    return ids.length;
  });
}

/** One load that takes the entries of these rows away. */
async function takeAway(
  { session, signal, emit }: OpenPipeline,
  state: PipelineState,
  quarantine: string,
  ids: readonly string[],
): Promise<PipelineState> {
  const { stream, schema } = state.tables[quarantine]!;
  const load = await session.begin({
    loadId: timeOrderedId(),
    startedAt: new Date(),
    tables: [
      {
        table: quarantine,
        stream,
        disposition: {
          kind: "replace",
          where: [{ column: "id", op: "in", value: ids }],
          allowEmpty: true,
        },
        primaryKey: [],
        partitionBy: [],
        schema,
      },
    ],
  });
  return await closing("load", load, emit, async () => {
    await load.mark(stream, { seal: true, end: true });
    const next = { ...state, loadId: load.loadId, sequence: state.sequence + 1 };
    const { loadId, sequence, tables } = await load.commit(next, { signal });
    emit({ type: "loadCommitted", loadId, sequence, tables });
    const parked = tables.find((part) => part.parked !== undefined);
    if (parked === undefined) return { ...next, loadId, sequence };
    throw resourceError(
      "ALV_TABLE_PARKED",
      quarantine,
      `it could not be written and is set aside (${parked.parked}); settle it with retry, skip or resync`,
    );
  });
}
