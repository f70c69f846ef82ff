import { parseArgs } from "node:util";
import { compare, print, runScript, type Result } from "../measure.ts";

// Orders with a customer, three lines and tags into a table and two child tables, in Delta and in DuckDB. Floor: JSON.stringify of the same
// objects. Rows are orders; the figures at the top are those of the slower of the two.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "400000" },
    runs: { type: "string", default: "5" },
  },
});
const results: Result[] = [];
for (const target of ["delta", "duckdb"])
  results.push(
    await compare({
      name: `nested-to-${target}`,
      runs: Number(values.runs),
      floor: "JSON.stringify of the same objects",
      runFloor: () => runScript("scripts/objects-floor.ts", ["nested", values.rows]),
      runOurs: () => runScript("scripts/nested-load.ts", [target, values.rows]),
    }),
  );
const [slower] = results.toSorted((a, b) => a.rows_per_cpu_s - b.rows_per_cpu_s);
if (values.json) process.stdout.write(`${JSON.stringify({ ...slower, case: "nested", cases: results })}\n`);
else for (const result of results) print(result, false);
