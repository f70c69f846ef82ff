import { parseArgs } from "node:util";
import { compare, print, runScript } from "../measure.ts";

// Orders with a customer, three lines and tags into a Delta table. Floor: JSON.stringify of the same objects.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "400000" },
    runs: { type: "string", default: "5" },
  },
});
const shape = "nested";
const result = await compare({
  name: "nested-to-delta",
  runs: Number(values.runs),
  floor: "JSON.stringify of the same objects",
  runFloor: () => runScript("scripts/objects-floor.ts", [shape, values.rows]),
  runOurs: () => runScript("scripts/objects-load.ts", [shape, values.rows]),
});
print(result, values.json);
