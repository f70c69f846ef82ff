import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "@alluvium/core/testing";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "vitest";

/** Runs the pipeline once; `undefined`: it was killed, else how many loads it made. */
async function runOnce(path: string, rows: number, killAfter?: number): Promise<number | undefined> {
  const child = fork(join(import.meta.dirname, "kill-process.ts"), [path, String(rows)], {
    execArgv: ["--conditions=@alluvium/source"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let complaint = "";
  let loads = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  child.stderr!.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  child.on("message", (message) => {
    if (message !== "started") ({ loads } = message as { loads: number });
    else if (killAfter !== undefined) timer = setTimeout(() => child.kill("SIGKILL"), killAfter);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((done) =>
    child.once("close", (...ended) => done(ended)),
  );
  clearTimeout(timer);
  if (signal === "SIGKILL") return undefined;
  if (code !== 0) throw new Error(`the run failed by itself (${code}):\n${complaint}`);
  return loads;
}

/**
 * Kills runs at random moments while the source grows, lets one run finish, and compares the database with the source: every row once, every
 * account as it stands. Gives the number of loads. `seed` repeats the schedule as far as the machine does.
 */
export async function killAgainAndAgain(kills: number, seed: number): Promise<number> {
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), "alluvium-kill-"));
  const path = join(folder, "kill.duckdb");
  try {
    let rows = 1_000;
    for (let killed = 0; killed < kills; rows += 200 + Math.floor(random() * 1_000))
      if ((await runOnce(path, rows, Math.floor(random() * 1_500))) === undefined) killed += 1;
    await runOnce(path, rows);
    const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
    try {
      const connection = await instance.connect();
      const query = async (sql: string): Promise<readonly unknown[][]> =>
        (await connection.runAndReadAll(sql)).getRowsJS();
      const where = `seed ${seed}, ${rows} rows`;
      expect(await query("select count(*), count(distinct id), min(id), max(id) from events"), where).toEqual(
        [[BigInt(rows), BigInt(rows), 1n, BigInt(rows)]],
      );
      const standing = new Map<number, number>();
      for (let version = 1; version <= rows; version++)
        if (version % 11 === 0) standing.delete(version % 97);
        else standing.set(version % 97, version);
      expect(await query("select account, version from accounts order by account"), where).toEqual(
        [...standing]
          .sort(([a], [b]) => a - b)
          .map(([account, version]) => [BigInt(account), BigInt(version)]),
      );
      const [[loads, last]] = (await query("select count(*), max(sequence) from _alv_loads")) as [
        [bigint, bigint],
      ];
      expect(loads, where).toBe(BigInt(last) + 1n);
      console.log(`seed ${seed}: ${kills} kills, ${loads} loads, ${rows} rows`);
      connection.closeSync();
      return Number(loads);
    } finally {
      instance.closeSync();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
