import { randomUUID } from "node:crypto";
import type { Batch } from "../columns/batch.ts";
import { batchBytes } from "../columns/size.ts";
import { takeBatch } from "../columns/take.ts";
import { rowsOf } from "../columns/rows.ts";
import type {
  Destination,
  DestinationSession,
  Load,
  LoadPlan,
  OpenContext,
  TablePlan,
  TableReceipt,
} from "../destination.ts";
import type { Condition, Where } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";
import { runner } from "../run/index.ts";
import { conformBatch } from "../schema/conform.ts";
import type { ColumnType, Schema } from "../schema/types.ts";
import type { PipelineState } from "../state/state.ts";
import { type MemoryPipeline, type MemoryStore, memoryTables } from "./memory-store.ts";

/** Options of {@link memoryDestination}. */
export interface MemoryDestinationOptions {
  /** Where tables and state are kept. @default a store of its own */
  readonly store?: MemoryStore;
  /** The type that a column has here. @default every type as it is */
  readonly storedType?: (type: ColumnType) => ColumnType;
  /** Whether names that differ only in case are the same. @default false */
  readonly foldsCase?: boolean;
}

/** A destination in memory, with the store that it writes to. */
export interface MemoryDestination extends Destination<"append" | "replace"> {
  /** Where its tables and state are, to look at. */
  readonly store: MemoryStore;
}

/**
 * A destination that keeps its tables in memory: for tests of sources and pipelines, and as the smallest whole example of the contract.
 * It is transactional (a commit happens in one synchronous step) and exactly once, also with several sessions on one store.
 *
 * @example
 * ```ts
 * const memory = memoryDestination();
 * await pipeline({ name: "test", source, destination: memory }).run();
 * console.log(memory.store.rows("orders"));
 * ```
 */
export function memoryDestination(options: MemoryDestinationOptions = {}): MemoryDestination {
  const store = options.store ?? memoryTables();
  return {
    specVersion: 1,
    name: "memory",
    runner,
    store,
    capabilities: {
      abilities: ["append", "replace"],
      delivery: "exactlyOnce",
      visibility: "load",
      foldsCase: options.foldsCase ?? false,
      partitions: true,
      storedType: options.storedType ?? ((type) => type),
    },
    open: (context) => Promise.resolve(openMemory(store, context)),
  };
}

/** What a session has staged for one table and not yet committed. */
interface Staged {
  readonly plan: TablePlan;
  schema: Schema;
  sealed: Batch[];
  open: Batch[];
}

function openMemory(store: MemoryStore, context: OpenContext): DestinationSession {
  const { pipeline, lane } = context.pipeline;
  const key = JSON.stringify([pipeline, lane]);
  const me = {};
  const staged = new Map<string, Staged>();
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
    async begin(plan) {
      hold();
      for (const table of plan.tables) {
        const before = staged.get(table.table);
        staged.set(table.table, {
          plan: table,
          schema: grown(table.schema, before?.schema),
          sealed: before?.sealed ?? [],
          open: before?.open ?? [],
        });
      }
      return openLoad(plan, { store, entry, staged, context, hold });
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

interface LoadContext {
  readonly store: MemoryStore;
  readonly entry: MemoryPipeline;
  readonly staged: Map<string, Staged>;
  readonly context: OpenContext;
  readonly hold: () => void;
}

function openLoad(plan: LoadPlan, { store, entry, staged, context, hold }: LoadContext): Load {
  // Streams that may be committed: they have sealed something, or ended.
  const sealed = new Set<string>();
  const ended = new Set<string>();

  function tablesOf(stream: string): readonly Staged[] {
    return [...staged.values()].filter((table) => table.plan.stream === stream);
  }

  function commitTable(table: Staged): TableReceipt {
    const { disposition } = table.plan;
    const found = store.tables.get(table.plan.table);
    const schema = grown(table.schema, found?.schema);
    const added = table.sealed.map((batch) => conformBatch(batch, schema));
    const before = (found?.batches ?? []).map((batch) => conformBatch(batch, schema));
    const where = disposition.kind === "append" ? disposition.replaceWhere : undefined;
    const kept =
      disposition.kind === "replace"
        ? disposition.where === undefined
          ? []
          : before.map((batch) => without(batch, disposition.where!))
        : where === undefined
          ? before
          : before.map((batch) => without(batch, where));
    const version = (found?.version ?? -1) + 1;
    store.tables.set(table.plan.table, {
      id: found?.id ?? randomUUID(),
      schema,
      batches: [...kept, ...added].filter(({ length }) => length > 0),
      version,
    });
    table.sealed = [];
    return {
      table: table.plan.table,
      rows: added.reduce((sum, { length }) => sum + length, 0),
      bytes: added.reduce((sum, batch) => sum + batchBytes(batch), 0),
      files: 0,
      version,
      operation: disposition.kind,
    };
  }

  return {
    loadId: plan.loadId,
    async write(name, batch) {
      hold();
      const table = staged.get(name);
      if (table === undefined) throw new AlluviumError("ALV_INTERNAL", `table ${name} is not in the plan`);
      table.schema = batch.schema;
      table.open.push(batch);
    },
    async mark(stream, { seal, end }) {
      hold();
      if (!seal) return;
      for (const table of tablesOf(stream)) {
        table.sealed.push(...table.open);
        table.open = [];
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
    async commit(next: PipelineState) {
      hold();
      if (next.sequence !== (entry.state === undefined ? 0 : entry.state.sequence + 1))
        throw new AlluviumError("ALV_CONCURRENT_RUN", `load ${next.sequence} is already there`);
      const ready = [...staged.values()].filter(
        (table) => (isWhole(table.plan) ? ended : sealed).has(table.plan.stream) && hasColumns(table),
      );
      for (const table of ready) refuseEmpty(table, store);
      const tables = ready.map(commitTable);
      entry.state = next;
      const committedAt = new Date();
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

function isWhole({ disposition }: TablePlan): boolean {
  return (
    disposition.kind === "replace" ||
    (disposition.kind === "append" && disposition.replaceWhere !== undefined)
  );
}

function hasColumns({ schema }: Staged): boolean {
  return schema.fields.some(({ type }) => type.kind !== "null");
}

function refuseEmpty({ plan, sealed }: Staged, store: MemoryStore): void {
  const { disposition } = plan;
  if (disposition.kind !== "replace" || disposition.allowEmpty) return;
  const rows = sealed.reduce((sum, { length }) => sum + length, 0);
  if (rows === 0 && store.tables.has(plan.table))
    throw new AlluviumError("ALV_EMPTY_REPLACE", `no rows came for ${plan.table}, which would be emptied`);
}

/** The columns of `schema`, then those that only `other` has. */
function grown(schema: Schema, other: Schema | undefined): Schema {
  if (other === undefined || other === schema) return schema;
  const names = new Set(schema.fields.map(({ name }) => name));
  const more = other.fields.filter(({ name }) => !names.has(name));
  return more.length === 0 ? schema : { fields: [...schema.fields, ...more] };
}

function without(batch: Batch, where: Where): Batch {
  const keep: number[] = [];
  let index = 0;
  for (const row of rowsOf(batch, { timestamps: "micros" })) {
    const values = row as Record<string, unknown>;
    if (!where.every((condition) => holds(values[condition.column], condition))) keep.push(index);
    index += 1;
  }
  return keep.length === batch.length ? batch : takeBatch(batch, Int32Array.from(keep));
}

/** Whether a value in user form meets a condition; null meets none. */
function holds(value: unknown, { op, value: wanted }: Condition): boolean {
  if (value === null || value === undefined) return false;
  if (op === "in") return Array.isArray(wanted) && wanted.some((one) => compare(value, one) === 0);
  const order = compare(value, wanted);
  switch (op) {
    case "=":
      return order === 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

function compare(value: unknown, wanted: unknown): number {
  const [left, right] = [comparable(value), comparable(wanted, typeof value === "bigint")];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A value in a form that `<` compares; dates in microseconds, like timestamps. */
function comparable(value: unknown, micros = false): string | number | bigint {
  if (value instanceof Date) return BigInt(value.getTime()) * 1000n;
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
    if (micros && typeof value === "string") return BigInt(Date.parse(value)) * 1000n;
    return value;
  }
  return String(value);
}
