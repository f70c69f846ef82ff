import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";

// What one would write by hand: `postgres-merge-by-hand.ts URL CHANGES TABLE`, both with the schema. The changed rows are in memory before the clock starts.
const [url, changes, table] = [process.argv[2]!, process.argv[3]!, process.argv[4]!];
const keys = ["l_orderkey", "l_linenumber"];

const reader = new pg.Client({ connectionString: url });
await reader.connect();
const chunks: Buffer[] = [];
for await (const chunk of reader.query(copyTo(`copy ${changes} to stdout (format binary)`)))
  chunks.push(chunk as Buffer);
const { rows: columns } = await reader.query<{ name: string }>(
  "select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum",
  [changes],
);
await reader.end();

const names = columns.map(({ name }) => name);
const sets = names.filter((name) => !keys.includes(name)).map((name) => `${name} = excluded.${name}`);
const cpu = process.cpuUsage();
const started = performance.now();
const client = new pg.Client({ connectionString: url });
await client.connect();
await client.query("begin");
await client.query(`create temporary table changed on commit drop as select * from ${changes} limit 0`);
await pipeline(Readable.from(chunks), client.query(copyFrom("copy changed from stdin (format binary)")));
const { rowCount } = await client.query(
  `insert into ${table} (${names.join(", ")}) select ${names.join(", ")} from changed on conflict (${keys.join(", ")}) do update set ${sets.join(", ")}`,
);
await client.query("commit");
await client.end();
const wall_s = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
process.stdout.write(
  `${JSON.stringify({ rows: rowCount, wall_s, cpu_s: (used.user + used.system) / 1e6 })}\n`,
);
