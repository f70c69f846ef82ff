import { canonicalJson } from "../state/canonical.ts";
import { schemaHash } from "../state/schema-codec.ts";
import type { PipelineState, StreamState, TableState } from "../state/state.ts";
import type { StreamRun } from "./stream-run.ts";

/** The state that a commit of `sealed` stores: cursors move for them alone. */
export function followingState(
  state: PipelineState | undefined,
  sealed: readonly StreamRun[],
  load: { readonly incarnation: string; readonly loadId: string; readonly now: Date },
): PipelineState {
  const streams: Record<string, StreamState> = { ...state?.streams };
  const tables: Record<string, TableState> = { ...state?.tables };
  for (const run of sealed) {
    const { name, cursor, identity } = run.stream;
    const known = streams[name];
    if (!run.backfill)
      streams[name] = {
        // A stream that had nothing new to say stays where it was.
        cursor: run.seal?.cursor ?? (run.wholeSet ? null : (known?.cursor ?? null)),
        cursorVersion:
          run.seal?.cursor === undefined ? (known?.cursorVersion ?? cursor.version) : cursor.version,
        identity: identity ?? null,
        loadId: load.loadId,
        committedAt: load.now.toISOString(),
      };
    for (const table of run.tables) {
      const before = tables[table.table];
      tables[table.table] = {
        ...table.state(),
        ...(before?.parked === undefined ? {} : { parked: before.parked }),
      };
    }
  }
  return {
    incarnation: load.incarnation,
    sequence: state === undefined ? 0 : state.sequence + 1,
    loadId: load.loadId,
    streams,
    tables,
  };
}

/** Whether a commit of `run` would change anything: a run that found nothing new leaves no load behind. */
export function isChanged(state: PipelineState | undefined, next: PipelineState, run: StreamRun): boolean {
  if (run.sealedRows > run.committedRows || run.wholeSet || state === undefined) return true;
  const { name } = run.stream;
  const [before, after] = [state.streams[name], next.streams[name]];
  if (before === undefined || after === undefined) return before !== after;
  return (
    canonicalJson(before.cursor) !== canonicalJson(after.cursor) ||
    before.cursorVersion !== after.cursorVersion ||
    canonicalJson(before.identity) !== canonicalJson(after.identity) ||
    run.tables.some(({ table }) => {
      const known = state.tables[table];
      const becomes = next.tables[table];
      return (
        known === undefined ||
        becomes === undefined ||
        known.disposition !== becomes.disposition ||
        schemaHash(known.schema) !== schemaHash(becomes.schema)
      );
    })
  );
}
