import { rowsOf } from "@alluvium/core/columns";
import type { MemoryDestination } from "@alluvium/core/testing";
import type { SourceRow } from "./history.ts";

/** The rows of a table in memory, with timestamps in µs. */
export function memoryRows({ store }: MemoryDestination, table: string): readonly SourceRow[] {
  const batches = store.tables.get(table)?.batches ?? [];
  return batches.flatMap((batch) => rowsOf<Record<string, unknown>>(batch, { timestamps: "micros" }));
}
