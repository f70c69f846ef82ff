import { AlluviumError, takesEffect, type Load, type LoadPlan, type LoadReceipt } from "@alluvium/core";
import { commitLoad } from "./commit.ts";
import type { PendingTable } from "./pending-table.ts";
import { openTable } from "./open-table.ts";
import { rowsOf } from "./plan-changes.ts";
import {
  noticeTaken,
  progressOf,
  refuseDead,
  refuseParked,
  tablesOf,
  type SessionState,
} from "./session-state.ts";
import { refuseOutside } from "./window.ts";

/** A load of a session: what it writes is staged by the session's tables, so that what is open carries over into the next one. */
export function openLoad(session: SessionState, plan: LoadPlan): Load {
  const { loadId } = plan;
  const { queue, open: context } = session.context;
  let open = true;
  let committing: Promise<unknown> | undefined;
  const refuseClosed = (): void => {
    refuseDead(session);
    if (open) return;
    throw new AlluviumError("ALV_INTERNAL", `load ${loadId} is over: begin another one`, { load: loadId });
  };
  return {
    loadId,
    add: (table) =>
      queue(async () => {
        refuseClosed();
        await openTable(session, table);
      }),
    write: (name, batch, options) =>
      queue(async () => {
        refuseClosed();
        (options?.signal ?? context.signal).throwIfAborted();
        const table = tableOf(session, name);
        refuseParked(session, table.stream);
        await table.write(batch, options?.signal ?? context.signal);
      }),
    mark: (stream, { seal, end }) =>
      queue(async () => {
        refuseClosed();
        refuseParked(session, stream);
        await noticeTaken(session);
        if (!seal) return;
        for (const table of tablesOf(session, stream)) await sealTable(session, table, end);
        const progress = progressOf(session, stream);
        progress.sealed = true;
        progress.ended ||= end;
      }),
    rollback: (stream, options) =>
      queue(async () => {
        refuseClosed();
        const generation = options?.generation === true;
        for (const table of tablesOf(session, stream))
          await (generation ? table.discardAll() : table.discard());
        if (generation) session.streams.delete(stream);
      }),
    commit(next, options) {
      const commit = queue(async (): Promise<LoadReceipt> => {
        refuseClosed();
        const signal = options?.signal ?? context.signal;
        const { startedAt } = plan;
        const { schemaChanges = new Map() } = options ?? {};
        const receipt = await commitLoad(session, { loadId, startedAt, schemaChanges }, next, signal);
        open = false;
        return receipt;
      });
      committing = commit;
      return commit;
    },
    async [Symbol.asyncDispose]() {
      // `return load.commit(…)` beside `await using load` disposes first: the commit under way decides.
      await committing?.catch(() => {});
      await queue(async () => {
        if (!open) return;
        open = false;
        session.streams.clear();
        await discardTables(session);
      });
    },
  };
}

/** Drops everything that is not committed, as well as that goes: what stays goes with the connection. */
export async function discardTables({ tables }: SessionState): Promise<void> {
  for (const table of tables.values()) {
    try {
      await table.discardAll();
    } catch {
      // Goes with the connection.
    }
  }
}

async function sealTable(session: SessionState, table: PendingTable, end: boolean): Promise<void> {
  await table.seal();
  await refuseOutside(session.context, table.plan, table.next, table.sealed);
  if (end) refuseEmpty(session, table);
}

/** Refuses a replace that would empty a table which has rows, unless it was allowed. Throws `ALV_EMPTY_REPLACE`. */
function refuseEmpty(session: SessionState, { name, plan, target, sealed }: PendingTable): void {
  const { disposition, merge } = plan;
  if (disposition.kind === "merge" || takesEffect(disposition, merge) !== "end" || target.create) return;
  if (disposition.kind === "replace" && disposition.allowEmpty) return;
  if (rowsOf(sealed) > 0) return;
  // What was empty may stay empty.
  if (session.newest?.tables[name]?.rows === 0) return;
  const what =
    disposition.kind === "replace" && disposition.where === undefined ? "table" : "window of table";
  throw new AlluviumError(
    "ALV_EMPTY_REPLACE",
    `the source gave no rows for ${name}: replacing would empty the ${what}. If that is meant, say { replace: …, allowEmpty: true }`,
    { resource: name },
  );
}

function tableOf(session: SessionState, name: string): PendingTable {
  const table = session.tables.get(name);
  if (table !== undefined) return table;
  throw new AlluviumError("ALV_INTERNAL", `table ${name} is not in the plan of the load`, { resource: name });
}
