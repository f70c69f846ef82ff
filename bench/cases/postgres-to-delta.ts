import { parseArgs } from "node:util";
import { createLineitem } from "../lineitem.ts";
import { compare, print, runScript } from "../measure.ts";
import { startPostgres } from "../../scripts/postgres.ts";

// A table like TPC-H's lineitem from PostgreSQL into a new Delta table. Floor: a Node process that drains one binary COPY of it.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    runs: { type: "string", default: "5" },
  },
});
const given = process.env["ALLUVIUM_PG_URL"];
const server =
  given === undefined
    ? await startPostgres({
        settings: { shared_buffers: "512MB", wal_level: "minimal", max_wal_senders: "0" },
      })
    : undefined;
try {
  const url = given ?? server!.url;
  await createLineitem(url, Number(values.rows));
  const result = await compare({
    name: "postgres-to-delta",
    runs: Number(values.runs),
    floor: "a Node process that drains one binary COPY of the table",
    runFloor: () => runScript("scripts/postgres-drain.ts", [url, "lineitem"]),
    runOurs: () => runScript("scripts/postgres-load.ts", [url, "lineitem"]),
  });
  print(result, values.json);
} finally {
  await server?.[Symbol.asyncDispose]();
}
