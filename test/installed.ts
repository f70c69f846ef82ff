import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs a program to its end; what it said is in the error if it fails. */
async function step(file: string, args: readonly string[], cwd?: string): Promise<void> {
  try {
    await run(file, args, { ...(cwd ? { cwd } : {}), maxBuffer: 1 << 26 });
  } catch (cause) {
    const { stderr = "", stdout = "" } = cause as { stderr?: string; stdout?: string };
    throw new Error(
      `${file} ${args.slice(0, 3).join(" ")} … failed\n${stdout.slice(-2_000)}\n${stderr.slice(-2_000)}`,
      { cause },
    );
  }
}

/**
 * A folder in the user's cache that `install` has filled, once. Its name holds a hash of `versions`, so that another set does not disturb this one.
 */
export async function installOnce(
  name: string,
  versions: readonly unknown[],
  install: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(versions)).digest("hex").slice(0, 12);
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(cache, "alluvium", `${name}-${hash}`);
  if (existsSync(join(folder, "ready"))) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await install(folder);
  writeFileSync(join(folder, "ready"), "");
  return folder;
}

/** Installs packages of Python into a folder's own environment; `more` without what they depend on. Gives the interpreter. */
export async function installPython(
  folder: string,
  packages: readonly string[],
  more: readonly string[] = [],
): Promise<string> {
  const python = join(folder, "venv", "bin", "python");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  await step("python3", ["-m", "venv", join(folder, "venv")]);
  await step(python, [...pip, ...packages]);
  if (more.length > 0) await step(python, [...pip, "--no-deps", ...more]);
  return python;
}

/** Installs packages of npm into a folder of their own. */
export async function installNode(folder: string, packages: readonly string[]): Promise<void> {
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  await step("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packages], folder);
}

/** Copies the jars that a folder's `pom.xml` names, and what they depend on, into its folder `into`. */
export async function installJars(folder: string, into: string): Promise<void> {
  const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${into}`];
  await step("mvn", ["-q", "-B", ...goal], folder);
}
