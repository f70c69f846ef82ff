import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compare, print, runScript } from "../measure.ts";

// A Delta table like TPC-H's lineitem read back as batches, all columns. Floor: DuckDB's `read_parquet` of the same files, streamed chunk by
// chunk without turning them into JavaScript values. Both only count the rows; what is timed begins with the query. Compare the CPU times:
// DuckDB uses every core.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    runs: { type: "string", default: "5" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "alluvium-scan-"));
try {
  await runScript("scripts/lineitem-lake.ts", [folder, values.rows]);
  const table = join(folder, "lineitem");
  const result = await compare({
    name: "scan",
    runs: Number(values.runs),
    floor: "DuckDB's read_parquet of the same files",
    runFloor: () => runScript("scripts/scan-duckdb.ts", [table]),
    runOurs: () => runScript("scripts/scan-delta.ts", [table]),
  });
  print(result, values.json);
} finally {
  rmSync(folder, { recursive: true });
}
