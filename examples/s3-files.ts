// #region files
import { pipeline, typed } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { fileStore } from "@alluvium/core/storage/file";
import { s3Store } from "@alluvium/core/storage/s3";
import { delta, deltaTable } from "@alluvium/destinations/delta";
import { csv, files } from "@alluvium/sources/files";
import { gzipSync } from "node:zlib";

interface Review {
  readonly id: number;
  readonly product: string;
  readonly stars: number;
  readonly text: string | null;
}

// A bucket where one is given (SHOP_URL=s3://shop), and a folder on a laptop.
const place = process.env["SHOP_URL"] ?? "./shop-files";
const inbox = place.startsWith("s3:") ? s3Store(`${place}/landing`) : fileStore(`${place}/landing`);

const load = pipeline({
  name: "landing",
  source: files({
    store: inbox,
    tables: {
      reviews: {
        files: "reviews/**/*.csv.gz",
        format: csv({ delimiter: ";" }),
        schema: typed<Review>(),
        primaryKey: "id",
        disposition: "merge",
        contract: { types: "quarantine" },
      },
      tickets: { files: "tickets/*.jsonl", fileColumn: "file" },
    },
  }),
  destination: delta({ url: `${place}/lake` }),
});
// #endregion files

const put = (path: string, text: string): Promise<void> =>
  inbox.put(path, path.endsWith(".gz") ? gzipSync(text) : new TextEncoder().encode(text));

await put("reviews/2026-01-01.csv.gz", "id;product;stars;text\n1;lamp;5;bright\n2;desk;4;\n");
await put("tickets/0001.jsonl", '{"ticket":1,"tags":["delivery"]}\n{"ticket":2,"tags":[]}\n');
console.log(await load.run());

// Later: a review is changed, a row is broken, and tickets have something new.
await put(
  "reviews/2026-01-02.csv.gz",
  'id;product;stars;text\n2;desk;2;"wobbles;\na lot"\n3;sofa;many;soft\n',
);
await put("tickets/0002.jsonl", '{"ticket":3,"tags":["refund"],"amount":19.9}\n');
console.log(await load.run());

// #region waiting
for (const { message, position, row } of await load.quarantine({ resource: "reviews" }))
  console.log(message, position, row);
// #endregion waiting

const lake = place.startsWith("s3:") ? s3Store(`${place}/lake`) : fileStore(`${place}/lake`);
for (const path of ["reviews", "tickets"])
  for await (const batch of deltaTable({ store: lake, path }).scan()) console.table([...rowsOf(batch)]);
