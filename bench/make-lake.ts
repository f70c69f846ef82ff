import { pipeline, type Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { delta } from "@alluvium/destinations/delta";
import { batchSource } from "./batch-source.ts";

/** Makes a lake in `folder` with one table of these rows, and prints how many were asked for. */
export async function makeLake(
  folder: string,
  table: { readonly name: string; readonly schema: Schema },
  batches: Iterable<Batch>,
  rows: number,
): Promise<void> {
  const load = pipeline({
    name: "bench",
    source: batchSource(batches, { ...table, disposition: { kind: "append" }, primaryKey: [] }),
    destination: delta({ url: folder }),
    loadIdColumn: false,
  });
  await load.run();
  process.stdout.write(`${JSON.stringify({ rows })}\n`);
}
