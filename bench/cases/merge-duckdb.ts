import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { lineitemRows } from "../duckdb-lineitem.ts";
import { compare, print, runScript } from "../measure.ts";

// Changed rows, their keys uniform, into a large table of DuckDB. Floor: the rows from a Parquet file into a temporary table, DELETE and INSERT, by hand.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    changes: { type: "string", default: "100000" },
    runs: { type: "string", default: "5" },
  },
});
const [rows, count, runs] = [Number(values.rows), Number(values.changes), Number(values.runs)];
const folder = mkdtempSync(join(tmpdir(), "alluvium-bench-"));
const place = (name: string): string => join(folder, name);

/** Both databases are the same. Of the changed rows about one in twenty is new. */
async function prepare(): Promise<void> {
  const instance = await DuckDBInstance.create(place("by_hand.duckdb"));
  const connection = await instance.connect();
  await connection.run(
    `create table lineitem as ${lineitemRows(`select range as r from range(${rows})`, 0)}`,
  );
  for (let run = 0; run <= runs; run++) {
    const numbers = `select distinct cast(hash(range, ${run}) % ${Math.round(rows * 1.05)} as bigint) as r from range(${count})`;
    await connection.run(
      `copy (${lineitemRows(numbers, run + 1)}) to '${place(`set_${run}.parquet`)}' (format parquet)`,
    );
  }
  connection.closeSync();
  instance.closeSync();
  copyFileSync(place("by_hand.duckdb"), place("ours.duckdb"));
}

const done = { ours: 0, by_hand: 0 };
const measured = (who: "ours" | "by_hand", script: string): ReturnType<typeof runScript> =>
  runScript(script, [place(`${who}.duckdb`), place(`set_${done[who]++}.parquet`)]);

try {
  await prepare();
  // The first load takes the table over.
  await measured("ours", "scripts/duckdb-merge.ts");
  await measured("by_hand", "scripts/duckdb-merge-by-hand.ts");
  const result = await compare({
    name: "merge-duckdb",
    runs,
    floor: "read_parquet into a temporary table, DELETE … USING, INSERT, COMMIT, by hand",
    runFloor: () => measured("by_hand", "scripts/duckdb-merge-by-hand.ts"),
    runOurs: () => measured("ours", "scripts/duckdb-merge.ts"),
  });
  print(result, values.json);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
