import { parseArgs } from "node:util";
import { compare, print, runScript } from "../measure.ts";

// Flat objects of ten columns into a Delta table. Floor: JSON.stringify of the same objects.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    runs: { type: "string", default: "5" },
  },
});
const shape = "flat";
const result = await compare({
  name: "rows-to-delta",
  runs: Number(values.runs),
  floor: "JSON.stringify of the same objects",
  runFloor: () => runScript("scripts/objects-floor.ts", [shape, values.rows]),
  runOurs: () => runScript("scripts/objects-load.ts", [shape, values.rows]),
});
print(result, values.json);
