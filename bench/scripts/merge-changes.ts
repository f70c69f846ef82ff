import { createWriteStream } from "node:fs";
import { createParquetEncoder } from "@alluvium/core/parquet";
import { changedRows, lineitemBatch, lineitemSchema } from "../lineitem-batches.ts";

// Writes changed rows of `lineitem` to a Parquet file: `merge-changes.ts FILE CHANGED ROWS`.
const [file, changed, total] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const out = createWriteStream(file);
const encoder = createParquetEncoder({
  schema: lineitemSchema,
  compression: "none",
  sink: (bytes) =>
    new Promise((done, fail) => out.write(bytes.slice(), (error) => (error ? fail(error) : done()))),
});
const rows = changedRows(changed, total);
for (let start = 0; start < rows.length; start += 8192)
  await encoder.write(lineitemBatch(rows.slice(start, start + 8192), true));
await encoder.close();
await new Promise((done) => out.end(done));
process.stdout.write(`${JSON.stringify({ rows: changed })}\n`);
