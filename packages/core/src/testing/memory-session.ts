import type { DestinationSession, OpenContext } from "../destination.ts";
import { AlluviumError } from "../errors.ts";
import { chooseColumns } from "../schema/choose.ts";
import { conformBatch } from "../schema/conform.ts";
import { openMemoryLoad } from "./memory-load.ts";
import { previewTable } from "./memory-preview.ts";
import { stagedTable, type StagedTable } from "./memory-staged.ts";
import type { MemoryPipeline, MemoryStore } from "./memory-store.ts";

/** A session on a store; of several on one pipeline and lane the one that recovered first holds it. */
export function openMemory(store: MemoryStore, context: OpenContext, now: () => number): DestinationSession {
  const { pipeline, lane } = context.pipeline;
  const key = JSON.stringify([pipeline, lane]);
  const me = {};
  const staged = new Map<string, StagedTable>();
  const entry: MemoryPipeline = store.pipelines.get(key) ?? {
    state: undefined,
    history: [],
    holder: undefined,
  };
  store.pipelines.set(key, entry);

  function hold(): void {
    if (entry.holder === me) return;
    throw new AlluviumError(
      "ALV_CONCURRENT_RUN",
      `another run of ${pipeline}, lane ${lane}, has taken over; let it finish, or use a lane of its own`,
      { pipeline },
    );
  }

  return {
    async recover(call) {
      if (call?.readOnly === true) return entry.state;
      const until = Date.now() + (context.leaseWait ?? 20_000);
      while (entry.holder !== undefined && entry.holder !== me && Date.now() < until) {
        (call?.signal ?? context.signal).throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      entry.holder ??= me;
      hold();
      return entry.state;
    },
    async describe(table) {
      const found = store.tables.get(table);
      if (found === undefined) return undefined;
      return { id: found.id, schema: found.schema, partitionBy: [], version: found.version };
    },
    async *scan(name, call) {
      const table = store.tables.get(name);
      if (table === undefined)
        throw new AlluviumError("ALV_TABLE_NOT_FOUND", `there is no table ${name}`, { resource: name });
      const { fields: all } = table.schema;
      const schema = chooseColumns(name, table.schema, call?.columns);
      for (const batch of table.batches) {
        (call?.signal ?? context.signal).throwIfAborted();
        const whole = conformBatch(batch, table.schema, { table: name });
        yield {
          schema,
          length: whole.length,
          columns: schema.fields.map((field) => whole.columns[all.indexOf(field)]!),
        };
      }
    },
    async preview(plan) {
      return plan.tables.map((table) => previewTable(table, store.tables.get(table.table)?.schema));
    },
    async begin(plan) {
      hold();
      for (const table of plan.tables) staged.set(table.table, stagedTable(table, staged.get(table.table)));
      return openMemoryLoad(plan, { store, entry, staged, context, hold, now });
    },
    async *history(call) {
      yield* entry.history.slice(0, call?.limit);
    },
    async [Symbol.asyncDispose]() {
      staged.clear();
      if (entry.holder === me) entry.holder = undefined;
    },
  };
}
