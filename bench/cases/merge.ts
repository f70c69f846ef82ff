import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compare, print, runScript } from "../measure.ts";
import { installPeers, runPeer } from "../peer-tools.ts";

// Changed rows, their keys spread evenly, into a Delta table like TPC-H's lineitem. Floor: the same merge by delta-rs. Each run gets a copy of
// the table as it was made. What is timed is the merge: one pipeline run, from opening the lake to the acknowledged load, of rows that are in
// memory; by delta-rs opening the table and `merge(…).execute()` of an Arrow table. Memory is that of the whole process.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    changed: { type: "string", default: "100000" },
    runs: { type: "string", default: "5" },
    mode: { type: "string", default: "vectors" },
  },
});
const python = installPeers();
const folder = mkdtempSync(join(tmpdir(), "alluvium-merge-"));
try {
  const made = join(folder, "made");
  const changes = join(folder, "changes.parquet");
  await runScript("scripts/lineitem-lake.ts", [made, values.rows]);
  await runScript("scripts/merge-changes.ts", [changes, values.changed, values.rows]);
  const inCopy = async <Result>(work: (lake: string) => Result | Promise<Result>): Promise<Result> => {
    const copy = join(folder, "copy");
    cpSync(made, copy, { recursive: true });
    try {
      return await work(copy);
    } finally {
      rmSync(copy, { recursive: true });
    }
  };
  const result = await compare({
    name: values.mode === "vectors" ? "merge" : `merge-${values.mode}`,
    runs: Number(values.runs),
    floor: "the same merge by delta-rs",
    runFloor: () => inCopy((lake) => runPeer(python, "merge.py", [join(lake, "lineitem"), changes])),
    runOurs: () => inCopy((lake) => runScript("scripts/merge-load.ts", [lake, changes, values.mode])),
  });
  print(result, values.json);
} finally {
  rmSync(folder, { recursive: true });
}
