import { spawn } from "node:child_process";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { builtFolder } from "./build.ts";

/** What one process used, from its start to its end. */
export interface Usage {
  readonly wall_s: number;
  /** User and system time of the process with all its threads, or of the part that it measured itself. */
  readonly cpu_s: number;
  readonly peak_rss_mib: number;
  /** Rows that it says it handled. */
  readonly rows: number;
}

/** What a case prints. */
export interface Result {
  readonly case: string;
  readonly rows: number;
  readonly wall_s: number;
  readonly cpu_s: number;
  readonly peak_rss_mib: number;
  readonly floor_wall_s: number;
  /** Our wall time over the floor's, medians. */
  readonly ratio: number;
  readonly rows_per_cpu_s: number;
  readonly floor_cpu_s: number;
  readonly runs: number;
  readonly floor: string;
}

/**
 * Runs a script of `bench/scripts`, as it was built, in a Node process of its own. Its last line is JSON: `rows`, and `wall_s` and `cpu_s` where it measures a part
 * of itself (making the test data is not part of a load).
 */
export async function runScript(script: string, args: readonly string[] = []): Promise<Usage> {
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      "--import",
      pathToFileURL(join(builtFolder, "report-usage.mjs")).href,
      join(builtFolder, `${basename(script, ".ts")}.mjs`),
      ...args,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done, reject) =>
    child.once("error", reject).once("close", done),
  );
  const wall = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`${script} ended with ${code}\n${output}`);
  const lines = output.trim().split("\n");
  const usage = JSON.parse(lines.at(-1)!) as { cpu_s: number; peak_rss_mib: number };
  const own = JSON.parse(lines.at(-2)!) as Partial<Usage> & { rows: number };
  return { wall_s: wall, ...usage, ...own };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Runs ours and the floor in turn, so that a drifting machine slows both, and compares medians. */
export async function compare(options: {
  readonly name: string;
  readonly runs: number;
  readonly floor: string;
  readonly runFloor: () => Promise<Usage>;
  readonly runOurs: () => Promise<Usage>;
}): Promise<Result> {
  const floors: Usage[] = [];
  const ours: Usage[] = [];
  for (let run = 0; run < options.runs; run++) {
    floors.push(await options.runFloor());
    ours.push(await options.runOurs());
  }
  const of = (list: readonly Usage[], key: keyof Usage): number => median(list.map((usage) => usage[key]));
  const rows = ours[0]!.rows;
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  return {
    case: options.name,
    rows,
    wall_s: round(of(ours, "wall_s")),
    cpu_s: round(of(ours, "cpu_s")),
    peak_rss_mib: Math.round(of(ours, "peak_rss_mib")),
    floor_wall_s: round(of(floors, "wall_s")),
    ratio: round(of(ours, "wall_s") / of(floors, "wall_s")),
    rows_per_cpu_s: Math.round(rows / of(ours, "cpu_s")),
    floor_cpu_s: round(of(floors, "cpu_s")),
    runs: options.runs,
    floor: options.floor,
  };
}

/** Prints a result: one JSON object, or a line per figure. */
export function print(result: object, json: boolean): void {
  if (json) return void process.stdout.write(`${JSON.stringify(result)}\n`);
  for (const [key, value] of Object.entries(result)) process.stdout.write(`${key.padEnd(16)} ${value}\n`);
}
