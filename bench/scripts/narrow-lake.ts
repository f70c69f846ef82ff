import { pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { batchSource } from "../batch-source.ts";
import { narrow, narrowBatches } from "../narrow-batches.ts";

// Makes a lake with the table `narrow`: `narrow-lake.ts FOLDER ROWS`.
const [folder, total] = [process.argv[2]!, Number(process.argv[3])];
const load = pipeline({
  name: "bench",
  source: batchSource(
    narrowBatches(total, (row) => row, 0),
    {
      ...narrow,
      disposition: { kind: "append" },
      primaryKey: [],
    },
  ),
  destination: delta({ url: folder }),
  loadIdColumn: false,
});
await load.run();
process.stdout.write(`${JSON.stringify({ rows: total })}\n`);
