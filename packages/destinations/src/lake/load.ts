import { AlluviumError, type Load, type LoadPlan, type LoadReceipt } from "@alluvium/core";
import { commitLoad } from "./commit.ts";
import { openTables } from "./open-tables.ts";
import type { PendingTable } from "./pending-table.ts";
import { refuseEmpty } from "./plan-changes.ts";
import {
  noticeTaken,
  progressOf,
  refuseDead,
  refuseParked,
  tablesOf,
  type SessionState,
} from "./session-state.ts";

/** A load of a session: what it writes goes to the session's tables, so that open files carry over into the next one. */
export function openLoad(session: SessionState, plan: LoadPlan): Load {
  const { loadId, startedAt } = plan;
  let open = true;
  let committing: Promise<unknown> | undefined;
  const refuseClosed = (): void => {
    refuseDead(session);
    if (open) return;
    throw new AlluviumError("ALV_INTERNAL", `load ${loadId} is over: begin another one`, { load: loadId });
  };
  return {
    loadId,
    async add(table) {
      refuseClosed();
      await openTables(session, [table]);
    },
    async write(name, batch, options) {
      refuseClosed();
      const table = tableOf(session, name);
      refuseParked(session, table.stream);
      await table.write(batch, options?.signal);
    },
    async mark(stream, { seal, end }) {
      refuseClosed();
      refuseParked(session, stream);
      await noticeTaken(session);
      if (!seal) return;
      const tables = tablesOf(session, stream);
      await settleAll(tables.map((table) => table.seal()));
      if (end) for (const table of tables) refuseEmpty(session, table);
      const progress = progressOf(session, stream);
      progress.sealed = true;
      progress.ended ||= end;
    },
    async rollback(stream, options) {
      refuseClosed();
      const generation = options?.generation === true;
      await settleAll(
        tablesOf(session, stream).map((table) => (generation ? table.discardAll() : table.discard())),
      );
      if (generation) session.streams.delete(stream);
    },
    async commit(next, options): Promise<LoadReceipt> {
      refuseClosed();
      options?.signal?.throwIfAborted();
      const { schemaChanges = new Map() } = options ?? {};
      const before = session.newest;
      try {
        const commit = commitLoad(session, { loadId, startedAt, schemaChanges }, next);
        committing = commit;
        return await commit;
      } finally {
        // Once there is a manifest the load is over, even if applying it failed: the session finishes that first.
        if (session.newest !== before) open = false;
      }
    },
    async [Symbol.asyncDispose]() {
      // `return load.commit(…)` beside `await using load` disposes first: the commit under way decides.
      await committing?.catch(() => {});
      if (!open) return;
      open = false;
      session.streams.clear();
      await discardTables(session);
    },
  };
}

/** Drops everything that is not committed, as well as that goes: what stays is an orphan that no reader sees. */
export async function discardTables(session: SessionState): Promise<void> {
  for (const table of session.tables.values()) {
    try {
      await table.discardAll();
    } catch {
      // An orphan.
    }
  }
}

function tableOf(session: SessionState, name: string): PendingTable {
  const table = session.tables.get(name);
  if (table !== undefined) return table;
  throw new AlluviumError("ALV_INTERNAL", `table ${name} is not in the plan of the load`, { resource: name });
}

/** Waits for all, then throws the first error: none may go on behind the back of it. */
async function settleAll(calls: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(calls)) if (result.status === "rejected") throw result.reason;
}
