import type { Schema } from "@alluvium/core";
import { rowsOf, vectorOf, type Batch } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { expect, test } from "vitest";
import type { TableWriterOptions } from "../../../src/lake/contract.ts";
import { readDataFile } from "../../../src/lake/files/read.ts";
import { rewriteWith } from "../../../src/lake/files/rewrite.ts";
import { openTableWriter } from "../../../src/lake/files/table-writer.ts";

const narrow: Schema = {
  fields: [
    { name: "id", type: { kind: "int32" }, nullable: false },
    { name: "price", type: { kind: "int64" }, nullable: true },
    { name: "region", type: { kind: "int32" }, nullable: true },
    { name: "late", type: { kind: "null" }, nullable: true },
  ],
};
const wide: Schema = {
  fields: [
    { name: "id", type: { kind: "int64" }, nullable: false },
    { name: "price", type: { kind: "float64" }, nullable: true },
    { name: "region", type: { kind: "string" }, nullable: true },
    { name: "late", type: { kind: "string" }, nullable: true },
    { name: "added", type: { kind: "date" }, nullable: true },
  ],
};

function batch(schema: Schema, rows: readonly (readonly unknown[])[]): Batch {
  return {
    schema,
    length: rows.length,
    columns: schema.fields.map(({ type }, i) =>
      vectorOf(
        type,
        rows.map((row) => row[i] ?? null),
      ),
    ),
  };
}

test("rows are written again in the wider columns, partition columns too, and nothing is deleted", async () => {
  const store = memoryStore();
  let ids = 0;
  const options: TableWriterOptions = {
    store,
    directory: "t",
    table: "t",
    place: (id) => ({ staged: id, final: id }),
    partitionBy: [{ column: "region" }],
    schema: narrow,
    budget: 10_000_000,
    newId: () => `f${ids++}`,
    emit: () => {},
  };
  await using writer = openTableWriter(options);
  await writer.write(
    batch(narrow, [
      [1, 10n, 7],
      [2, null, null],
      [3, 30n, 7],
    ]),
  );
  const files = await writer.seal();
  expect(files.map(({ partition }) => partition)).toEqual([{ region: "7" }, { region: null }]);
  const wider = { ...options, schema: wide };
  const rewritten = await rewriteWith({})(files, wider);
  expect(rewritten.map(({ partition, rows }) => [partition, rows])).toEqual([
    [{ region: "7" }, 2],
    [{ region: null }, 1],
  ]);
  const read: object[] = [];
  for (const file of rewritten)
    for await (const each of readDataFile(file, wider, undefined)) read.push(...rowsOf(each));
  expect(read).toEqual([
    { id: 1n, price: 10, region: "7", late: null, added: null },
    { id: 3n, price: 30, region: "7", late: null, added: null },
    { id: 2n, price: null, region: null, late: null, added: null },
  ]);
  expect(rewritten[0]!.columns).toContainEqual({ path: ["price"], nulls: 0, min: "10", max: "30" });
  for (const { staged } of [...files, ...rewritten]) expect(await store.head(`t/${staged}`)).toBeDefined();
});
