import { expect, test } from "vitest";
import { pipeline } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { memoryDestination } from "@alluvium/core/testing";
import { files } from "@alluvium/sources/files";

test("a column of CSV files is in the next run what it was in the files before", async () => {
  const store = memoryStore();
  const memory = memoryDestination();
  const load = pipeline({
    name: "p",
    source: files({
      store,
      tables: { items: { files: "*.csv", contract: { types: "quarantine" } } },
    }),
    destination: memory,
    loadIdColumn: false,
  });
  const write = (path: string, text: string): Promise<void> =>
    store.put(path, new TextEncoder().encode(text));
  await write("1.csv", "id,at,note\n1,2024-01-02,x\n2,2024-01-03,y\n");
  await load.run();
  // By itself the second file would have text in both columns.
  await write("2.csv", "id,at,note\n3,never,7\nfour,2024-01-05,8\n5,2024-01-06,9\n");
  await load.run();
  expect(memory.store.rows("items").map((row) => Object.values(row))).toEqual([
    [1n, "2024-01-02", "x"],
    [2n, "2024-01-03", "y"],
    [5n, "2024-01-06", "9"],
  ]);
  const waiting = await load.quarantine({ resource: "items" });
  expect(waiting.map(({ column, position }) => [column, position])).toEqual([
    ["at", { file: "2.csv", line: 2 }],
    ["id", { file: "2.csv", line: 3 }],
  ]);
});
