import { pipeline } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { csv, files } from "@alluvium/sources/files";

/*
 * One run of the pipeline that the kill test kills: `load.ts FOLDER LAKE CHECKPOINT_BYTES`. Points to resume from inside a file come so often, and each ends
 * a load.
 */
const [folder, lake, checkpointBytes] = [process.argv[2]!, process.argv[3]!, Number(process.argv[4])];
const load = pipeline({
  name: "files",
  source: files({
    url: folder,
    checkpointBytes,
    tables: { rows: { files: "*.csv.gz", format: csv(), fileColumn: "_file" } },
  }),
  destination: delta({ url: lake }),
  leaseWait: 30_000,
});
process.send?.("started");
const report = await load.run({ commitInterval: 0 });
process.send?.({ loads: report.loads.length });
process.exit(0);
