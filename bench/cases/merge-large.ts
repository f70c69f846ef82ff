import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { print, runScript } from "../measure.ts";

// Memory of a merge into a table that is much larger than memory: a million changes, whose keys are in no order, into a hundred million rows,
// whose keys are in no order either, so that every file is looked at. Peak memory is that of the whole process that merges; more than the
// limit fails.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "100000000" },
    changed: { type: "string", default: "1000000" },
    mode: { type: "string", default: "vectors" },
    limit: { type: "string", default: "512" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "alluvium-merge-large-"));
try {
  const lake = join(folder, "lake");
  const made = await runScript("scripts/narrow-lake.ts", [lake, values.rows]);
  const merged = await runScript("scripts/narrow-merge.ts", [lake, values.changed, values.rows, values.mode]);
  const { rows, wall_s, cpu_s, peak_rss_mib } = merged;
  const limit_mib = Number(values.limit);
  const table = { table_rows: made.rows, table_wall_s: made.wall_s, table_peak_rss_mib: made.peak_rss_mib };
  const name = values.mode === "vectors" ? "merge-large" : `merge-large-${values.mode}`;
  print({ case: name, rows, wall_s, cpu_s, peak_rss_mib, limit_mib, ...table }, values.json);
  if (peak_rss_mib > limit_mib) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
