import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");

/** Where the measured scripts are as JavaScript: inside the workspace, so that they find the packages as a user's program does. */
export const builtFolder: string = join(root, "node_modules", ".cache", "alluvium-bench");

/**
 * Builds the packages and the measured scripts. What is measured is what users run: compiled packages, not TypeScript that is
 * stripped of its types at each start, which takes hundreds of milliseconds.
 */
export async function buildMeasured(): Promise<void> {
  const tsup = join(root, "node_modules", "tsup", "dist", "cli-default.js");
  const { status } = spawnSync(process.execPath, [tsup, "--silent"], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error("the packages cannot be built");
  await build({
    entryPoints: [
      ...globSync("scripts/*.ts", { cwd: import.meta.dirname }).map((file) =>
        join(import.meta.dirname, file),
      ),
      join(import.meta.dirname, "report-usage.ts"),
    ],
    outdir: builtFolder,
    outExtension: { ".js": ".mjs" },
    entryNames: "[name]",
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node22.18",
    logLevel: "warning",
  });
}
