import type { Batch } from "@alluvium/core/columns";
import { lineitemBatch, lineitemSchema } from "../lineitem-batches.ts";
import { makeLake } from "../make-lake.ts";

// Makes a lake with the table `lineitem`: `lineitem-lake.ts FOLDER ROWS`.
const [folder, total] = [process.argv[2]!, Number(process.argv[3])];

function* batches(): Generator<Batch> {
  for (let start = 0; start < total; start += 16_384)
    yield lineitemBatch(Array.from({ length: Math.min(16_384, total - start) }, (_, i) => start + i));
}

await makeLake(folder, { name: "lineitem", schema: lineitemSchema }, batches(), total);
