import {
  timeOrderedId,
  type DestinationSession,
  type Json,
  type LoadReceipt,
  type ObjectStore,
  type OpenContext,
  type PipelineState,
  type RunEvent,
  type StreamState,
  type TablePlan,
  type TableState,
} from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { batchOf } from "@alluvium/core/testing";
import { openLake, type LakeOptions } from "../../src/lake/lake.ts";
import type { LakeTiming } from "../../src/lake/timing.ts";
import { jsonFormat, readJsonTable } from "./json-format.ts";
import { openJsonWriter, rewriteJson, type Row } from "./json-writer.ts";

/** A lake that tests of the protocol run against: how it is opened over a store, and how its tables are read. */
export interface LakeUnderTest {
  readonly name: string;
  readonly parts: Pick<LakeOptions, "format" | "openWriter" | "rewrite">;
  read(store: ObjectStore, table: string): Promise<readonly Row[]>;
  /** The disk is one that cannot rename, as a bucket. */
  readonly copies?: true;
}

/** A store like a bucket's: it copies where others rename. */
export function withoutRename<Store extends ObjectStore>(store: Store): Store {
  return {
    ...store,
    capabilities: { ...store.capabilities, rename: false },
    rename: () => Promise.reject(new Error("it cannot rename")),
  };
}

/** A store without `rename` that does something else in the middle of its copies: the original is read, the copy not yet there. */
export function slowCopies(store: ObjectStore, midCopy: () => Promise<void>): ObjectStore {
  return {
    ...withoutRename(store),
    async copy(from, to, call) {
      const bytes = await store.get(from, call);
      await midCopy();
      await store.put(to, bytes, call);
    },
  };
}

/** The lake that needs no real format. */
export const jsonLake: LakeUnderTest = {
  name: "json",
  parts: { format: jsonFormat, openWriter: openJsonWriter, rewrite: rewriteJson },
  read: readJsonTable,
};

/** No waiting, no lease, garbage after every load: what happens depends on the steps alone. */
const bareTiming: Partial<LakeTiming> = {
  leaseRenew: 0,
  leaseLive: 0,
  notice: 0,
  attempts: 4,
  garbageEvery: 1,
  sleep: (_, signal) => {
    signal.throwIfAborted();
    return Promise.resolve();
  },
};

/** What a test may set of a session. */
export interface OpenOptions extends Partial<Omit<OpenContext, "emit">> {
  readonly timing?: Partial<LakeTiming>;
  readonly events?: RunEvent[];
}

/** Opens a session of pipeline `shop`, lane `main`. */
export function openTest(
  store: ObjectStore,
  lake: LakeUnderTest = jsonLake,
  options: OpenOptions = {},
): Promise<DestinationSession> {
  const { timing, events, ...context } = options;
  const open = openLake({ store, ...lake.parts, timing: { ...bareTiming, ...timing } });
  return open({
    pipeline: { pipeline: "shop", lane: "main" },
    runId: timeOrderedId(),
    signal: new AbortController().signal,
    budget: 16 * 1024 * 1024,
    adopt: false,
    shared: false,
    leaseWait: 0,
    emit: (event) => events?.push(event),
    ...context,
  });
}

/** One load into one table, begun and committed by `session`, which has recovered. */
export async function loadRows(
  session: DestinationSession,
  plan: TablePlan,
  batches: readonly Batch[],
  cursor: Json = null,
): Promise<LoadReceipt> {
  const loadId = timeOrderedId();
  await using load = await session.begin({ loadId, startedAt: new Date(), tables: [plan] });
  for (const batch of batches) await load.write(plan.table, batch);
  await load.mark(plan.stream, { seal: true, end: true });
  return load.commit(stateWith([plan], loadId, { [plan.stream]: cursor }));
}

/** A state with the given tables and cursors. */
export function stateWith(
  plans: readonly TablePlan[],
  loadId: string,
  cursors: Readonly<Record<string, Json>> = {},
): PipelineState {
  const stream = (cursor: Json): StreamState => ({
    cursor,
    cursorVersion: 1,
    identity: null,
    loadId,
    committedAt: "2026-01-02T03:04:05.678Z",
  });
  const table = (plan: TablePlan): TableState => ({
    stream: plan.stream,
    resource: plan.table,
    schema: plan.schema,
    columns: {},
    primaryKey: [],
    disposition: plan.disposition.kind,
  });
  return {
    incarnation: "00112233445566778899aabbccddeeff",
    sequence: 0,
    loadId,
    streams: Object.fromEntries(Object.entries(cursors).map(([name, cursor]) => [name, stream(cursor)])),
    tables: Object.fromEntries(plans.map((plan) => [plan.table, table(plan)])),
  };
}

/** A table that is appended to, by a stream of the same name unless said otherwise. */
export function appendPlan(table: string, batch: Batch, stream: string = table): TablePlan {
  const { schema } = batch;
  return { table, stream, disposition: { kind: "append" }, primaryKey: [], partitionBy: [], schema };
}

/** A table that is replaced. */
export function replacePlan(table: string, batch: Batch, allowEmpty = false): TablePlan {
  return { ...appendPlan(table, batch), disposition: { kind: "replace", allowEmpty } };
}

/** Rows that have an id only. */
export function ids(...values: readonly number[]): Batch {
  return batchOf({ id: [{ kind: "int64" }, values.map(BigInt)] });
}

/** The ids in a table, in order. */
export async function idsIn(
  store: ObjectStore,
  table: string,
  lake: LakeUnderTest = jsonLake,
): Promise<readonly number[]> {
  return (await lake.read(store, table)).map(({ id }) => Number(id)).sort((a, b) => a - b);
}

/** Paths below a prefix. */
export async function pathsIn(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix)) paths.push(path);
  return paths;
}

/** A store whose clock a test sets. */
export function clockStore(): {
  readonly store: ObjectStore;
  readonly later: (milliseconds: number) => void;
} {
  let now = Date.parse("2026-01-02T03:04:05.678Z");
  return {
    store: memoryStore({ clock: () => new Date(now) }),
    later: (milliseconds) => (now += milliseconds),
  };
}
