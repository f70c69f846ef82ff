import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { buildMeasured } from "./build.ts";

/**
 * `npm run bench -- <case> [--json] [--rows N] [--runs N]`: measures one case and prints a line per figure, or one JSON object.
 * Each case is a file in `bench/cases` that prints its result; it runs in a process of its own so that nothing else is measured.
 */
const folder = join(import.meta.dirname, "cases");
const cases = globSync("*.ts", { cwd: folder })
  .map((file) => basename(file, ".ts"))
  .sort();
const { positionals } = parseArgs({ allowPositionals: true, strict: false });
const [name] = positionals;
if (name === undefined || !existsSync(join(folder, `${name}.ts`))) {
  console.error(`usage: npm run bench -- <case> [--json]\ncases: ${cases.join(", ")}`);
  process.exit(2);
}
await buildMeasured();
const { status } = spawnSync(
  process.execPath,
  ["--conditions=@alluvium/source", "--expose-gc", join(folder, `${name}.ts`), ...process.argv.slice(3)],
  { stdio: "inherit" },
);
process.exit(status ?? 1);
