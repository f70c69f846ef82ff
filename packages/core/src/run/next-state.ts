import { canonicalJson } from "../state/canonical.ts";
import type { Json } from "../state/json.ts";
import type { PipelineState, StreamState, TableState } from "../state/state.ts";
import type { StreamRun } from "./stream-run.ts";

/** The state that a commit of `sealed` stores: cursors move for them alone. */
export function followingState(
  state: PipelineState | undefined,
  sealed: readonly StreamRun[],
  load: { readonly incarnation: string; readonly loadId: string; readonly now: Date },
): PipelineState {
  const { incarnation, loadId, now } = load;
  const streams: Record<string, StreamState> = { ...state?.streams };
  const tables: Record<string, TableState> = { ...state?.tables };
  for (const { stream, seal, backfill, replays, readsAll, refresh, tables: runs } of sealed) {
    const { name, cursor } = stream;
    // A stream that had nothing new to say stays where it was; so does the cursor of resources that the program left out for a while,
    // while others of their stream replace their tables.
    const before = refresh === undefined ? streams[name] : refresh.state;
    const known = seal?.cursor === undefined ? before : undefined;
    if (!backfill && !replays)
      streams[name] = {
        cursor: seal?.cursor ?? known?.cursor ?? null,
        cursorVersion: known?.cursorVersion ?? cursor.version,
        identity: stream.identity ?? (readsAll ? known?.identity : undefined) ?? null,
        loadId,
        committedAt: now.toISOString(),
      };
    for (const run of runs) {
      const own = run.state();
      // A child table that its contract does not let come into being is none.
      if (own.nested !== undefined && own.schema.fields.length === 0) continue;
      const { parked } = tables[run.table] ?? {};
      tables[run.table] = { ...own, ...(parked && { parked }) };
    }
  }
  return { incarnation, sequence: (state?.sequence ?? -1) + 1, loadId, streams, tables };
}

/** Whether a commit of `run` would change anything: a run that found nothing new leaves no load behind. */
export function isChanged(state: PipelineState | undefined, next: PipelineState, run: StreamRun): boolean {
  if (run.sealedRows > run.committedRows || run.readsAll || state === undefined) return true;
  if (run.refresh !== undefined) return true;
  const told = ({ streams, tables }: PipelineState): string => {
    const { cursor, cursorVersion, identity } = streams[run.stream.name] ?? {};
    const stored = run.tables.map(({ table }) => {
      const { disposition, schema } = tables[table] ?? {};
      return { disposition, schema };
    });
    return canonicalJson({ cursor, cursorVersion, identity, stored } as unknown as Json);
  };
  return told(state) !== told(next);
}
