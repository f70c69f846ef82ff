import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createLineitem } from "../lineitem.ts";
import { median, runScript, type Usage } from "../measure.ts";
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

function installPeers(): string {
  const requirements = join(import.meta.dirname, "../peers/requirements.txt");
  const hash = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(
    process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
    "alluvium",
    `peers-${hash}`,
  );
  const python = join(folder, "bin", "python");
  if (!existsSync(join(folder, "ready"))) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    execFileSync("python3", ["-m", "venv", folder], { stdio: "inherit" });
    execFileSync(
      python,
      ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
      { stdio: "inherit" },
    );
    writeFileSync(join(folder, "ready"), "");
  }
  return python;
}

const python = installPeers();
await using server = await startPostgres({
  settings: { shared_buffers: "512MB", wal_level: "minimal", max_wal_senders: "0" },
});
await createLineitem(server.url, Number(values.rows));

function runPeer(tool: string): Usage {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-peer-"));
  try {
    const started = performance.now();
    const output = execFileSync(
      python,
      [join(import.meta.dirname, "../peers/load.py"), tool, server.url, "lineitem", folder],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const wall_s = (performance.now() - started) / 1000;
    return { wall_s, ...(JSON.parse(output.trim().split("\n").at(-1)!) as Omit<Usage, "wall_s">) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const tools: Record<string, () => Usage | Promise<Usage>> = {
  alluvium: () => runScript("scripts/postgres-load.ts", [server.url, "lineitem"]),
  "duckdb-parquet": () => runPeer("duckdb-parquet"),
  "duckdb-delta": () => runPeer("duckdb-delta"),
  "dlt-delta": () => runPeer("dlt-delta"),
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
