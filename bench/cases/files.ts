import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeLineitemText } from "../lineitem-text.ts";
import { median, runScript, type Usage } from "../measure.ts";
import { installPeers, runPeer } from "../peer-tools.ts";

// lineitem as CSV and as JSON lines into a new Delta table, in megabytes per CPU-second of the whole process. Floor: a Node process that reads the file and looks at none
// of it. Beside it DuckDB reads the same file into one Parquet file; `--peers` adds DuckDB and dlt into Delta (needs Python 3.10 or later).
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    runs: { type: "string", default: "3" },
    formats: { type: "string", default: "csv,jsonl" },
    peers: { type: "boolean", default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-files-"));
const python = values.peers ? installPeers() : undefined;

function loadWith(tool: string, path: string): Usage {
  const target = mkdtempSync(join(tmpdir(), "alluvium-peer-"));
  try {
    return runPeer(python!, "load_file.py", [tool, path, target]);
  } finally {
    rmSync(target, { recursive: true });
  }
}

try {
  const results = [];
  for (const format of values.formats.split(",") as ("csv" | "jsonl")[]) {
    const path = join(folder, `lineitem.${format}`);
    await writeLineitemText(path, Number(values.rows), format);
    const megabytes = statSync(path).size / 1e6;
    const tools: Record<string, () => Usage | Promise<Usage>> = {
      floor: () => runScript("scripts/files-drain.ts", [path]),
      alluvium: () => runScript("scripts/files-load.ts", [path]),
      "duckdb-parquet": () => runScript("scripts/duckdb-files.ts", [path]),
      ...(python !== undefined && {
        "duckdb-delta": () => loadWith("duckdb-delta", path),
        "dlt-delta": () => loadWith("dlt-delta", path),
      }),
    };
    const runs = new Map<string, Usage[]>(Object.keys(tools).map((name) => [name, []]));
    for (let run = 0; run < Number(values.runs); run++)
      for (const [name, list] of runs) list.push(await tools[name]!());
    for (const [tool, list] of runs) {
      const of = (key: keyof Usage): number => median(list.map((usage) => usage[key]));
      const round = (value: number): number => Math.round(value * 100) / 100;
      results.push({
        format,
        tool,
        mb: Math.round(megabytes),
        wall_s: round(of("wall_s")),
        cpu_s: round(of("cpu_s")),
        mb_per_cpu_s: round(megabytes / of("cpu_s")),
        rows_per_cpu_s: Math.round(Number(values.rows) / of("cpu_s")),
        peak_rss_mib: Math.round(of("peak_rss_mib")),
      });
    }
    rmSync(path);
  }
  if (values.json)
    process.stdout.write(`${JSON.stringify({ case: "files", runs: Number(values.runs), results })}\n`);
  else console.table(results);
} finally {
  rmSync(folder, { recursive: true });
}
