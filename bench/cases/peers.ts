import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createLineitem } from "../lineitem.ts";
import { median, runScript, type Usage } from "../measure.ts";
import { installPeers, runPeer } from "../peer-tools.ts";
import { startPostgres } from "../../scripts/postgres.ts";

// The same table by Alluvium, DuckDB and dlt, in turn, medians. Needs Python 3.10 or later; installs the peers into a cache folder.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    runs: { type: "string", default: "3" },
    only: { type: "string" },
  },
});

const python = installPeers();
await using server = await startPostgres({
  settings: { shared_buffers: "512MB", wal_level: "minimal", max_wal_senders: "0" },
});
await createLineitem(server.url, Number(values.rows));

function loadWith(tool: string): Usage {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-peer-"));
  try {
    return runPeer(python, "load.py", [tool, server.url, "lineitem", folder]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const tools: Record<string, () => Usage | Promise<Usage>> = {
  alluvium: () => runScript("scripts/postgres-load.ts", [server.url, "lineitem"]),
  "duckdb-parquet": () => loadWith("duckdb-parquet"),
  "duckdb-delta": () => loadWith("duckdb-delta"),
  "dlt-delta": () => loadWith("dlt-delta"),
};
const wanted = values.only?.split(",") ?? Object.keys(tools);
const runs = new Map<string, Usage[]>(wanted.map((name) => [name, []]));
for (let run = 0; run < Number(values.runs); run++)
  for (const [name, list] of runs) list.push(await tools[name]!());

const results = [...runs].map(([name, list]) => {
  const of = (key: keyof Usage): number => Math.round(median(list.map((usage) => usage[key])) * 1000) / 1000;
  return {
    tool: name,
    rows: of("rows"),
    wall_s: of("wall_s"),
    cpu_s: of("cpu_s"),
    rows_per_cpu_s: Math.round(of("rows") / of("cpu_s")),
    peak_rss_mib: Math.round(of("peak_rss_mib")),
  };
});
if (values.json)
  process.stdout.write(`${JSON.stringify({ case: "peers", runs: Number(values.runs), results })}\n`);
else console.table(results);
