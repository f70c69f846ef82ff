import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Usage } from "./measure.ts";

/** Installs the tools that we are measured beside into a cache folder; returns their Python. Needs Python 3.10 or later. */
export function installPeers(): string {
  const requirements = join(import.meta.dirname, "peers/requirements.txt");
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

/** Runs a script of `bench/peers`; its last line is JSON with what it used, but for the wall time of the whole process. */
export function runPeer(python: string, script: string, args: readonly string[]): Usage {
  const started = performance.now();
  const output = execFileSync(python, [join(import.meta.dirname, "peers", script), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const wall_s = (performance.now() - started) / 1000;
  return { wall_s, ...(JSON.parse(output.trim().split("\n").at(-1)!) as Omit<Usage, "wall_s">) };
}
