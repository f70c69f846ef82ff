import { parseArgs } from "node:util";
import { compare, print, runScript } from "../measure.ts";

// What a zod schema adds to a load of flat objects into a Delta table. Floor: the schema alone, called with the same objects.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "1000000" },
    runs: { type: "string", default: "5" },
  },
});
const result = await compare({
  name: "validate",
  runs: Number(values.runs),
  floor: "zod alone on the same objects",
  runFloor: () => runScript("scripts/validate.ts", ["alone", values.rows]),
  runOurs: () => runScript("scripts/validate.ts", ["load", values.rows]),
});
print(result, values.json);
