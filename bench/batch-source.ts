import type { Source, TableDescription } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";

/** A source of one table whose batches are there already, or are made one after another. */
export function batchSource(
  batches: Iterable<Batch>,
  description: Pick<TableDescription, "name" | "schema" | "disposition" | "primaryKey">,
): Source {
  return {
    specVersion: 1,
    name: "batches",
    open: () =>
      Promise.resolve({
        streams: [
          {
            name: description.name,
            tables: [{ partitionBy: [], naming: "keep" as const, ...description }],
            cursor: { version: 1, encode: () => null, decode: () => undefined },
            async *read() {
              for (const batch of batches) yield { table: description.name, batch };
            },
          },
        ],
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}
