import type { Batch } from "../columns/batch.ts";
import { rowsOf } from "../columns/rows.ts";
import type { LoadRecord } from "../destination.ts";
import type { Schema } from "../schema/types.ts";
import type { PipelineState } from "../state/state.ts";

/** What a memory destination holds: tables and the state of pipelines. Several destinations and sessions may share one. */
export interface MemoryStore {
  /** The tables, by name. */
  readonly tables: Map<string, MemoryTable>;
  /** What is remembered of pipelines, by name and lane. */
  readonly pipelines: Map<string, MemoryPipeline>;
  /** The committed rows of a table in user form, in the order in which they were committed. No table: no rows. */
  rows(table: string): readonly Record<string, unknown>[];
  /** Ends every session without a word, as a crash would: their leases are free, and they can commit no more. */
  crash(): void;
}

/** A committed table. */
export interface MemoryTable {
  readonly id: string;
  schema: Schema;
  /** Committed rows; older batches may have fewer columns than the schema. */
  batches: Batch[];
  /** Number of commits that touched it. */
  version: number;
}

/** What is remembered of one pipeline and lane. */
export interface MemoryPipeline {
  state: PipelineState | undefined;
  readonly history: LoadRecord[];
  /** The session that holds the pipeline. */
  holder: object | undefined;
}

/** An empty store. */
export function memoryTables(): MemoryStore {
  const tables = new Map<string, MemoryTable>();
  const pipelines = new Map<string, MemoryPipeline>();
  return {
    tables,
    pipelines,
    rows: (name) =>
      (tables.get(name)?.batches ?? []).flatMap((batch) => [...rowsOf(batch)] as Record<string, unknown>[]),
    crash() {
      for (const pipeline of pipelines.values()) pipeline.holder = undefined;
    },
  };
}
