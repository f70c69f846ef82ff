import { memoryStore } from "@alluvium/core/storage/memory";
import { expect, test } from "vitest";
import { deltaTable } from "../../../src/delta/index.ts";
import { append, makeTable, range, rowsFrom } from "./care.ts";

test("a table that is the root of its store", async () => {
  const made = memoryStore();
  await makeTable(made);
  for (let load = 0; load < 3; load++) await append(made, load, rowsFrom(load * 10, load * 10 + 10));
  const store = memoryStore();
  for await (const { path } of made.list("t/")) await store.put(path.slice(2), await made.get(path));
  const table = deltaTable({ store, path: "" });
  await table.delete({ where: [{ column: "id", op: "=", value: 3 }] });
  await table.delete({ where: [{ column: "id", op: "=", value: 4 }], purge: true });
  await table.optimize({ purge: 0, orderBy: ["id"], budget: 1000 });
  await table.restore({ version: 4 });
  await table.optimize({ purge: 0 });
  expect(await table.vacuum({ retention: {}, unsafeRetention: true })).toMatchObject({ files: 6 });
  expect((await table.verify({ deep: true })).findings).toEqual([]);
  const ids: number[] = [];
  for await (const { columns } of table.scan({ columns: ["id"] }))
    ids.push(...Array.from((columns[0] as { values: BigInt64Array }).values, Number));
  expect(ids.sort((a, b) => a - b)).toEqual(range(0, 30).filter((id) => id !== 3));
});
