import type { Load, LoadPlan, OpenContext } from "../destination.ts";
import { takesEffect } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import type { PipelineState } from "../state/state.ts";
import { committedTable, refuseEmpty } from "./memory-commit.ts";
import { followRoots } from "./memory-follow.ts";
import { grown, refuseValidityNames, stagedTable, type StagedTable } from "./memory-staged.ts";
import type { MemoryPipeline, MemoryStore } from "./memory-store.ts";

/** What a load has of its session. */
export interface MemoryLoadContext {
  readonly store: MemoryStore;
  readonly entry: MemoryPipeline;
  readonly staged: Map<string, StagedTable>;
  readonly context: OpenContext;
  /** Throws where another run has taken over. */
  readonly hold: () => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A load; what it stages is its session's, so that what is not committed carries over. */
export function openMemoryLoad(plan: LoadPlan, options: MemoryLoadContext): Load {
  const { store, entry, staged, context, hold, now } = options;
  // Streams that may be committed: they have sealed something, or ended.
  const sealed = new Set<string>();
  const ended = new Set<string>();

  function tablesOf(stream: string): readonly StagedTable[] {
    return [...staged.values()].filter((table) => table.plan.stream === stream);
  }

  return {
    loadId: plan.loadId,
    async add(table) {
      hold();
      staged.set(table.table, stagedTable(table, staged.get(table.table)));
    },
    async write(name, batch) {
      hold();
      const table = staged.get(name);
      if (table === undefined) throw new AlluviumError("ALV_INTERNAL", `table ${name} is not in the plan`);
      refuseValidityNames(table.plan, batch.schema);
      table.schema = grown(batch.schema, table.schema);
      table.open.push(batch);
    },
    async mark(stream, { seal, end }) {
      hold();
      if (!seal) return;
      for (const table of tablesOf(stream)) {
        for (const batch of table.open) table.sealed.push({ batch, stretch: table.stretch });
        table.open = [];
        table.stretch += 1;
      }
      sealed.add(stream);
      if (end) ended.add(stream);
    },
    async rollback(stream, call) {
      hold();
      for (const table of tablesOf(stream)) {
        table.open = [];
        if (call?.generation === true) table.sealed = [];
      }
      if (call?.generation === true) {
        sealed.delete(stream);
        ended.delete(stream);
      }
    },
    async commit(next: PipelineState, call) {
      hold();
      if (next.sequence !== (entry.state === undefined ? 0 : entry.state.sequence + 1))
        throw new AlluviumError("ALV_CONCURRENT_RUN", `load ${next.sequence} is already there`);
      const ready = [...staged.values()].filter(
        (table) =>
          (takesEffect(table.plan.disposition, table.plan.merge) === "end" ? ended : sealed).has(
            table.plan.stream,
          ) && hasColumns(table),
      );
      for (const table of ready) refuseEmpty(table, store);
      const time = now();
      // All of it is made before any of it holds.
      const applied = new Map(
        ready.map((table) => [table.plan.table, committedTable(table, store, time)] as const),
      );
      for (const { plan: own } of ready) {
        const root = own.follows && applied.get(own.follows.table);
        if (root !== undefined)
          applied.set(own.table, followRoots(applied.get(own.table)!, own.follows!, root));
      }
      const committed = [...applied.values()];
      for (const [i, table] of ready.entries()) {
        store.tables.set(table.plan.table, committed[i]!.table);
        table.sealed = [];
        table.restart = undefined;
      }
      const tables = committed.map(({ receipt }) => {
        const schemaChanges = call?.schemaChanges?.get(receipt.table) ?? [];
        return schemaChanges.length === 0 ? receipt : { ...receipt, schemaChanges };
      });
      entry.state = next;
      const committedAt = new Date(time);
      entry.history.unshift({
        loadId: plan.loadId,
        pipeline: context.pipeline.pipeline,
        lane: context.pipeline.lane,
        sequence: next.sequence,
        runId: context.runId,
        startedAt: plan.startedAt,
        committedAt,
        tables,
      });
      sealed.clear();
      ended.clear();
      return { loadId: plan.loadId, sequence: next.sequence, committedAt, tables };
    },
    async [Symbol.asyncDispose]() {},
  };
}

function hasColumns({ schema }: StagedTable): boolean {
  return schema.fields.some(({ type }) => type.kind !== "null");
}
