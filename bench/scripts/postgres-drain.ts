import { once } from "node:events";
import pg from "pg";
import { to as copyTo } from "pg-copy-streams";

// Drains one binary COPY of a table and throws it away: `postgres-drain.ts URL TABLE`.
const [url, table] = [process.argv[2]!, process.argv[3]!];
const client = new pg.Client({ connectionString: url });
await client.connect();
const stream = client.query(copyTo(`copy ${client.escapeIdentifier(table)} to stdout (format binary)`));
let bytes = 0;
stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
await once(stream, "end");
await client.end();
if (bytes === 0) throw new Error("nothing was measured");
process.stdout.write(`${JSON.stringify({ rows: stream.rowCount })}\n`);
