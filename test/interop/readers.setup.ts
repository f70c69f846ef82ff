import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { TestProject } from "vitest/node";
import { installReaders } from "./readers.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Socket of the process that serves the other implementations; see `serve.py`. */
    readers: string;
  }
}

/** Starts one process for the whole run with delta-rs, Spark, DuckDB and pyarrow. What is missing fails the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { python, jars } = await installReaders();
  const folder = mkdtempSync(join(tmpdir(), "alluvium-interop-"));
  const socket = join(folder, "socket");
  const child = spawn(python, [join(import.meta.dirname, "serve.py"), socket, jars], {
    cwd: folder,
    env: { ...process.env, TZ: "UTC", SPARK_LOCAL_IP: "127.0.0.1", PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4_000);
  });
  await started(child, () => complaints);
  project.provide("readers", socket);
  return async () => {
    const ended = once(child, "exit");
    child.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
}

async function started(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  complaints: () => string,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`the process of readers ended with ${code}\n${complaints()}`)),
    );
    child.stdout.once("data", () => resolve());
  });
}
