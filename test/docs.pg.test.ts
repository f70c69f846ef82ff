import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { ownDatabase } from "./database.ts";

const root = resolve(import.meta.dirname, "..");

/** A report without what differs from run to run: numbers, units, ids, widths. */
const shape = (report: string): string[] =>
  report
    .trim()
    .split("\n")
    .map((line) =>
      line
        .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")
        .replace(/[0-9A-F]{8}-[0-9A-F]{8}-\d+ at .* UTC/, "SNAPSHOT")
        .replace(/\d[\d,.]*/g, "N")
        .replace(/\bN (?:B|KiB|MiB)/g, "BYTES")
        .replace(/\bN (?:ms|s)\b/, "TIME")
        .replace(/ +/g, " "),
    );

test("the first program of the README prints what stands below it", async () => {
  await using database = await ownDatabase(inject("pgUrl"));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query("create table customers (id int primary key, name text)");
  await client.query("create table orders (id int primary key, placed_at timestamptz not null)");
  await client.query("insert into customers select i, 'customer ' || i from generate_series(1, 20) i");
  await client.query(
    "insert into orders select i, '2026-01-01'::timestamptz + i * interval '1 minute' from generate_series(1, 50) i",
  );
  await client.end();

  const folder = mkdtempSync(join(tmpdir(), "alluvium-quickstart-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const node = join(root, "node_modules/.bin/node");
  const run = async (): Promise<string> => {
    const { stdout } = await promisify(execFile)(
      existsSync(node) ? node : process.execPath,
      ["--conditions=@alluvium/source", join(root, "examples/quickstart.ts")],
      { cwd: folder, env: { ...process.env, DATABASE_URL: database.url } },
    );
    return stdout;
  };
  const printed = await run();
  const readme = readFileSync(join(root, "README.md"), "utf8");
  expect(shape(printed)).toEqual(shape(/^```\n\n```\n([^]*?)\n```/m.exec(readme)![1]!));
  expect(printed).toMatch(/orders +append +50 /);
  expect(await run()).toMatch(/orders +append +0 /);
});
