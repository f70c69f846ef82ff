/**
 * Tables in memory, for tests.
 *
 * @module destinations/memory
 */
import { memoryDestination, type MemoryDestination, type MemoryStore } from "@alluvium/core/testing";

export type { MemoryDestination, MemoryPipeline, MemoryStore, MemoryTable } from "@alluvium/core/testing";

/** Options of {@link memory}. */
export interface MemoryOptions {
  /** Where tables and state are kept: several destinations and runs may share one (`memory().store`). @default a new one */
  readonly store?: MemoryStore;
}

/**
 * A destination in memory that does every disposition, for tests of pipelines: what the real one would hold stands in `store`.
 * It keeps all rows as they come, so it is not for data of size.
 *
 * @example
 * ```ts
 * const target = memory();
 * await pipeline({ name: "shop", source: shop, destination: target }).run();
 * console.log(target.store.rows("orders"));
 * ```
 */
export function memory(options: MemoryOptions = {}): MemoryDestination {
  return memoryDestination(options.store === undefined ? {} : { store: options.store });
}
