import { execFile } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { installJars, installOnce } from "../installed.ts";
import { installReaders } from "../interop/readers.ts";

const run = promisify(execFile);

/** What `readers.py` prints: rows of the last statement. */
export async function readByEngine(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly object[]> {
  const { python } = await installReaders();
  const { stdout } = await run(python, [join(import.meta.dirname, "readers.py"), ...args], {
    env: { ...process.env, TZ: "UTC", SPARK_LOCAL_IP: "127.0.0.1", PYTHONDONTWRITEBYTECODE: "1", ...env },
    maxBuffer: 1 << 26,
  });
  return (JSON.parse(stdout.trim().split("\n").at(-1)!) as { readonly rows: readonly object[] }).rows;
}

/** The class path of Spark with Delta and S3A: 640 MB of jars, installed once. */
export async function sparkJars(): Promise<string> {
  const pom = join(import.meta.dirname, "spark.pom.xml");
  const folder = await installOnce("spark-s3", [readFileSync(pom, "utf8")], async (into) => {
    cpSync(pom, join(into, "pom.xml"));
    await installJars(into, "jars");
  });
  return `${(await installReaders()).jars}:${join(folder, "jars", "*")}`;
}
