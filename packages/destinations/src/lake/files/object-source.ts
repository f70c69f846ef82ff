import type { ObjectStore } from "@alluvium/core";
import type { ParquetSource } from "@alluvium/core/parquet";

/** An object of a store as what the Parquet decoder reads from. */
export function objectSource(
  store: ObjectStore,
  path: string,
  byteLength: number,
  signal?: AbortSignal,
): ParquetSource {
  return {
    byteLength,
    slice: (start, end) =>
      store.get(path, { range: { start, end: end ?? byteLength }, ...(signal && { signal }) }),
  };
}
