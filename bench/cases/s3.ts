import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { median, print, runScript, type Usage } from "../measure.ts";

// Lineitem into a Delta table on S3, a server of tests in another process: does uploading overlap with encoding? Floor: the slower of encoding alone (into
// memory, which is stricter than a disk) and uploading the same files alone.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    runs: { type: "string", default: "5" },
  },
});
const runs = Number(values.runs);

/** A new server for each run: it keeps what is put in memory. */
async function onServer(script: string, args: readonly string[]): Promise<Usage> {
  const child = spawn(
    process.execPath,
    ["--conditions=@alluvium/source", join(import.meta.dirname, "..", "serve-s3.ts")],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const ended = once(child, "exit");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  try {
    return await runScript(script, [...args, line.toString().trim()]);
  } finally {
    child.stdin.end();
    await ended;
  }
}

const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-"));
const used: { readonly [what in "load" | "encode" | "upload"]: Usage[] } = {
  load: [],
  encode: [],
  upload: [],
};
try {
  for (let run = 0; run < runs; run++) {
    const kept = join(folder, `run_${run}`);
    mkdirSync(kept);
    used.encode.push(await runScript("s3-load.ts", ["encode", values.rows, kept]));
    used.upload.push(await onServer("s3-load.ts", ["upload", values.rows, kept]));
    used.load.push(await onServer("s3-load.ts", ["load", values.rows, kept]));
    rmSync(kept, { recursive: true });
  }
} finally {
  rmSync(folder, { recursive: true });
}
const of = (what: keyof typeof used, key: keyof Usage): number =>
  median(used[what].map((usage) => usage[key]));
const round = (value: number): number => Math.round(value * 1000) / 1000;
const { rows, bytes } = used.load[0] as Usage & { readonly bytes: number };
const walls = {
  wall_s: of("load", "wall_s"),
  encode: of("encode", "wall_s"),
  upload: of("upload", "wall_s"),
};
print(
  {
    case: "s3",
    rows,
    mib: Math.round(bytes / 2 ** 20),
    wall_s: round(walls.wall_s),
    cpu_s: round(of("load", "cpu_s")),
    peak_rss_mib: Math.round(of("load", "peak_rss_mib")),
    encode_wall_s: round(walls.encode),
    upload_wall_s: round(walls.upload),
    floor_wall_s: round(Math.max(walls.encode, walls.upload)),
    ratio: round(walls.wall_s / Math.max(walls.encode, walls.upload)),
    rows_per_cpu_s: Math.round(rows / of("load", "cpu_s")),
    encode_cpu_s: round(of("encode", "cpu_s")),
    encode_peak_rss_mib: Math.round(of("encode", "peak_rss_mib")),
    runs,
    floor: "the slower of encoding into memory and uploading the same files",
  },
  values.json,
);
