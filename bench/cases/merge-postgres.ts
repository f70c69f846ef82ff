import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import pg from "pg";
import { createLineitem } from "../lineitem.ts";
import { compare, median, print, runScript, type Usage } from "../measure.ts";
import { startPostgres } from "../../scripts/postgres.ts";

// Changed rows, their keys uniform, into a large table of PostgreSQL. Floor: COPY into a temporary table and INSERT … ON CONFLICT, by hand.
const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rows: { type: "string", default: "6000000" },
    changes: { type: "string", default: "100000" },
    runs: { type: "string", default: "5" },
  },
});
const [rows, count, runs] = [Number(values.rows), Number(values.changes), Number(values.runs)];
await using server = await startPostgres({
  settings: { shared_buffers: "512MB", wal_level: "minimal", max_wal_senders: "0", max_wal_size: "4GB" },
});
const { url } = server;
await createLineitem(url, rows);

/** Both tables are the same, with the types that our tables have; the sets of changes too. */
async function prepare(): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const select =
    "select l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax, l_returnflag::text, l_linestatus::text, " +
    "l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct::text, l_shipmode::text, l_comment::text from lineitem";
  await client.query("create schema changes");
  const key = "(l_orderkey * 8 + l_linenumber)";
  for (let run = 0; run <= runs; run++) {
    const share = `(hashint8extended(${key}, ${run}) & 1073741823) % ${Math.max(1, Math.floor(rows / count))} = 0`;
    await client.query(
      `create table changes.set_${run} as ${select} where ${share} order by hashint8extended(${key}, -1) limit ${count}`,
    );
    // One in twenty is new.
    await client.query(
      `update changes.set_${run} set l_quantity = l_quantity + 1, l_comment = 'changed by ${run}', ` +
        `l_orderkey = case when l_suppkey % 20 = 0 then l_orderkey + ${(run + 1) * 1_000_000_000} else l_orderkey end`,
    );
  }
  for (const schema of ["by_hand", "ours"]) {
    await client.query(`create schema ${schema}`);
    await client.query(`create table ${schema}.lineitem as ${select}`);
    await client.query(`create unique index on ${schema}.lineitem (l_orderkey, l_linenumber)`);
    await client.query(`vacuum (freeze, analyze) ${schema}.lineitem`);
  }
  await client.query("drop table lineitem");
  await client.query("checkpoint");
  await client.end();
}

/** CPU-seconds of the server's processes that have ended; `undefined` where the system does not say. */
function serverCpu(): number | undefined {
  const stat = `/proc/${server.pid}/stat`;
  if (!existsSync(stat)) return undefined;
  const fields = readFileSync(stat, "utf8").split(") ").at(-1)!.split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

const used = { ours: [] as number[], by_hand: [] as number[] };
const run = { ours: 0, by_hand: 0 };
async function measured(who: "ours" | "by_hand", script: string): Promise<Usage> {
  const before = serverCpu();
  const usage = await runScript(script, [url, `changes.set_${run[who]++}`, `${who}.lineitem`]);
  if (before !== undefined) used[who].push(serverCpu()! - before);
  return usage;
}

await prepare();
// The first load takes the table over.
for (const [who, script] of [
  ["ours", "scripts/postgres-merge.ts"],
  ["by_hand", "scripts/postgres-merge-by-hand.ts"],
] as const)
  await measured(who, script);
for (const list of Object.values(used)) list.length = 0;
const result = await compare({
  name: "merge-postgres",
  runs,
  floor: "COPY into a temporary table, INSERT … ON CONFLICT DO UPDATE, COMMIT, by hand",
  runFloor: () => measured("by_hand", "scripts/postgres-merge-by-hand.ts"),
  runOurs: () => measured("ours", "scripts/postgres-merge.ts"),
});
const servers =
  used.ours.length === 0 ? {} : { server_cpu_s: median(used.ours), floor_server_cpu_s: median(used.by_hand) };
print({ ...result, ...servers }, values.json);
