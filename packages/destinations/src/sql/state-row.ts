import { AlluviumError, type PipelineState } from "@alluvium/core";
import { canonicalJson, decodeState, encodeState } from "@alluvium/core/state";
import type { SqlContext } from "./context.ts";
import { systemTables } from "./names.ts";

/** Reads the pipeline's state; `undefined` where it has none. */
export async function readState(context: SqlContext): Promise<PipelineState | undefined> {
  const { connection, dialect } = context;
  const [row] = await connection.query({
    text: `select state from ${dialect.table(systemTables.state)} where pipeline = $1 and lane = $2`,
    values: idOf(context),
  });
  if (row === undefined) return undefined;
  try {
    return decodeState(JSON.parse(String(row["state"])));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AlluviumError(
      "ALV_STATE_INVALID",
      `the row of ${context.open.pipeline.pipeline}/${context.open.pipeline.lane} in ${systemTables.state} cannot be read: ${why}`,
      { pipeline: context.open.pipeline.pipeline, cause: error },
    );
  }
}

/**
 * Puts the next state in place of the one that this session knows, in a transaction. `false`: another run did so first. The row that is
 * changed is locked from here on, so that of two runs one waits or fails.
 */
export async function advanceState(
  context: SqlContext,
  before: PipelineState | undefined,
  next: PipelineState,
): Promise<boolean> {
  const { connection, dialect } = context;
  const table = dialect.table(systemTables.state);
  const [pipeline, lane] = idOf(context);
  const content = canonicalJson(encodeState(next));
  if (before === undefined)
    return (
      (await connection.execute({
        text: `insert into ${table} (pipeline, lane, sequence, load_id, state) values ($1, $2, $3, $4, $5) on conflict do nothing`,
        values: [pipeline, lane, next.sequence, next.loadId, content],
      })) === 1
    );
  return (
    (await connection.execute({
      text: `update ${table} set sequence = $3, load_id = $4, state = $5 where pipeline = $1 and lane = $2 and sequence = $6 and load_id = $7`,
      values: [pipeline, lane, next.sequence, next.loadId, content, before.sequence, before.loadId],
    })) === 1
  );
}

/** Id and number of the newest load; `undefined` before the first. */
export async function newestLoad(
  context: SqlContext,
): Promise<{ readonly sequence: number; readonly loadId: string } | undefined> {
  const { connection, dialect } = context;
  const [row] = await connection.query({
    text: `select sequence, load_id from ${dialect.table(systemTables.state)} where pipeline = $1 and lane = $2`,
    values: idOf(context),
  });
  return row && { sequence: Number(row["sequence"]), loadId: String(row["load_id"]) };
}

/** Pipeline and lane, as rows of system tables are found. */
export function idOf({ open }: SqlContext): [pipeline: string, lane: string] {
  return [open.pipeline.pipeline, open.pipeline.lane];
}
