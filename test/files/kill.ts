import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline as flow } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { rowsOf } from "@alluvium/core/columns";
import { seededRandom } from "@alluvium/core/testing";
import { deltaTable } from "@alluvium/destinations/delta";

/** What a series of kills came to. */
export interface KillReport {
  /** Of the compressed file. */
  readonly bytes: number;
  readonly rows: number;
  readonly kills: number;
  readonly loads: number;
  /** Rows that the table has, and how many of them more or less than once. */
  readonly found: number;
  readonly wrong: number;
}

/** Where the lines of a file are cut into pieces for the compressor. */
const LINES = 5_000;

/** Writes a gzip file of numbered CSV lines that hardly compress, until it has so many bytes; resolves with the number of rows. */
async function writeFile(path: string, bytes: number): Promise<number> {
  // Longer than the window in which gzip looks for repetitions.
  const pool = randomBytes(3 * 256 * 1024).toString("base64");
  let rows = 0;
  const output = createWriteStream(path);
  function* lines(): Generator<Buffer> {
    yield Buffer.from("id,amount,at,note\n");
    while (output.bytesWritten < bytes) {
      let text = "";
      for (let i = 0; i < LINES; i++, rows++) {
        const at = (rows * 7919) % (pool.length - 300);
        text += `${rows},${rows % 997}.25,2024-05-17T12:${10 + (rows % 50)}:00Z,"${pool.slice(at, at + 200 + (rows % 90))}"\n`;
      }
      yield Buffer.from(text);
    }
  }
  await flow(Readable.from(lines(), { highWaterMark: 1 }), createGzip({ level: 1 }), output);
  return rows;
}

/** `undefined`: killed. */
async function runOnce(args: readonly string[], killAfter: number | undefined): Promise<number | undefined> {
  const child = fork(join(import.meta.dirname, "load.ts"), args, {
    execArgv: ["--conditions=@alluvium/source"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let complaint = "";
  child.stderr!.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  let loads = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  child.on("message", (message) => {
    if (message === "started") {
      if (killAfter !== undefined) timer = setTimeout(() => child.kill("SIGKILL"), killAfter);
    } else ({ loads } = message as { readonly loads: number });
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((done) =>
    child.once("close", (...ended) => done(ended)),
  );
  clearTimeout(timer);
  if (signal === "SIGKILL") return undefined;
  if (code !== 0) throw new Error(`the run failed by itself (${code}):\n${complaint}`);
  return loads;
}

/** Kills runs that load one large compressed file at random moments, then lets one finish, and counts what the table has of each row. */
export async function killInside(options: {
  readonly bytes: number;
  readonly kills: number;
  /** Milliseconds that a run may have at most before it is killed. */
  readonly longest: number;
  readonly checkpointBytes: number;
  readonly seed: number;
}): Promise<KillReport> {
  const random = seededRandom(options.seed);
  const folder = mkdtempSync(join(tmpdir(), "alluvium-files-"));
  try {
    const [landing, lake] = [join(folder, "landing"), join(folder, "lake")];
    mkdirSync(landing);
    const file = join(landing, "large.csv.gz");
    const rows = await writeFile(file, options.bytes);
    const args = [landing, lake, String(options.checkpointBytes)];
    let kills = 0;
    for (let i = 0; i < options.kills; i++)
      if ((await runOnce(args, Math.floor(random() * options.longest))) === undefined) kills += 1;
    await runOnce(args, undefined);
    const seen = new Uint8Array(rows);
    let found = 0;
    for await (const batch of deltaTable(join(lake, "rows")).scan({ columns: ["id"] }))
      for (const { id } of rowsOf(batch) as Iterable<{ readonly id: number | bigint }>) {
        found += 1;
        seen[Number(id)]! += 1;
      }
    let loads = 0;
    for await (const batch of deltaTable(join(lake, "_alv_loads")).scan()) loads += batch.length;
    const wrong = seen.reduce((sum, times) => sum + (times === 1 ? 0 : 1), 0);
    return { bytes: statSync(file).size, rows, kills, loads, found, wrong };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
