import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compare, print, runScript } from "../measure.ts";

// A Parquet file like TPC-H's lineitem, as DuckDB writes it (snappy), loaded with `files()` into a new Delta table (zstd). Floor: DuckDB copies
// the file to another Parquet file, also zstd. Compare the CPU times: DuckDB uses every core.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    runs: { type: "string", default: "5" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "alluvium-files-parquet-"));
try {
  const file = join(folder, "lineitem.parquet");
  await runScript("scripts/parquet-file.ts", [file, values.rows]);
  const result = await compare({
    name: "files-parquet",
    runs: Number(values.runs),
    floor: "DuckDB's COPY of the same file to Parquet",
    runFloor: () => runScript("scripts/parquet-copy.ts", [file]),
    runOurs: () => runScript("scripts/files-load.ts", [file]),
  });
  print(result, values.json);
} finally {
  rmSync(folder, { recursive: true });
}
