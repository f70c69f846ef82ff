import { rowsOf } from "@alluvium/core/columns";
import type { ObjectStore } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { describe, expect, test } from "vitest";
import { deltaFormat } from "../../../src/delta/format.ts";
import type { ChangesOptions } from "../../../src/delta/index.ts";
import { name, put } from "../log.ts";
import { append, makeTable, range, rowsFrom, schema, tableIn, type Row } from "../maintain/care.ts";
import { changeOf, contextOf, filesOf } from "../tables.ts";

const byId = (ids: readonly number[]) => [{ column: "id", op: "in" as const, value: ids }];

/** Changes as `version kind id text`, sorted within a version and kind. */
async function changes(store: ObjectStore, options: ChangesOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { version, kind, batch, timestamp } of tableIn(store).changes(options)) {
    expect(timestamp.getTime()).toBeGreaterThan(0);
    for (const row of rowsOf(batch) as Iterable<Record<string, unknown>>)
      found.push(
        [
          String(version),
          kind,
          ...[row["id"], row["text"]].flatMap((part) => (part === undefined ? [] : [`${part as string}`])),
        ].join(" "),
      );
  }
  return found.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

async function replace(store: ObjectStore, sequence: number, rows: readonly Row[]): Promise<void> {
  const files = await filesOf(store, schema, rows);
  const operation = { kind: "replace" } as const;
  await deltaFormat.apply(changeOf(schema, { files, create: false, operation }), contextOf(store, sequence));
}

describe("changes", () => {
  test("appends, deletions by vectors and whole files, restores; rewrites are none", async () => {
    const store = memoryStore();
    await makeTable(store);
    await append(store, 0, rowsFrom(0, 5));
    await append(store, 1, rowsFrom(5, 8));
    await tableIn(store).delete({ where: byId([1]) });
    await tableIn(store).delete({ where: byId([2, 5, 6, 7]) });
    await tableIn(store).optimize({ purge: 0 });
    await tableIn(store).restore({ version: 3 });
    const of = (version: number, kind: string, ids: readonly number[]) =>
      ids.map((id) => `${version} ${kind} ${id} row ${id}`);
    expect(await changes(store, { from: 1 })).toEqual([
      ...of(1, "insert", range(0, 5)),
      ...of(2, "insert", range(5, 8)),
      ...of(3, "delete", [1]),
      ...of(4, "delete", [2, 5, 6, 7]),
      // The file of the newest rows goes, older ones come back: by files alone rows go and come.
      ...of(6, "delete", [0, 3, 4]),
      ...of(6, "insert", [0, 2, 3, 4, 5, 6, 7]),
    ]);
    expect(await changes(store, { from: 6, key: ["id"] })).toEqual(of(6, "insert", [2, 5, 6, 7]));
    expect(await changes(store, { from: 2, to: 3, columns: ["id"] })).toEqual([
      "2 insert 5",
      "2 insert 6",
      "2 insert 7",
      "3 delete 1",
    ]);
  });

  test.each([1 << 20, 1000])(
    "by key: unchanged rows are left out, changed ones come in both forms (budget %i)",
    async (budget) => {
      const store = memoryStore();
      await makeTable(store);
      await append(store, 0, rowsFrom(0, 100));
      await replace(
        store,
        1,
        rowsFrom(10, 120).map((row) => (row.id % 10 === 0 ? { ...row, text: "new" } : row)),
      );
      const tens = range(1, 10).map((i) => i * 10);
      expect(await changes(store, { from: 2, key: ["id"], budget })).toEqual([
        ...range(0, 10).map((id) => `2 delete ${id} row ${id}`),
        ...range(100, 120).map((id) => `2 insert ${id} ${id % 10 === 0 ? "new" : `row ${id}`}`),
        ...tens.map((id) => `2 updateAfter ${id} new`),
        ...tens.map((id) => `2 updateBefore ${id} row ${id}`),
      ]);
      // The key need not be among the columns; rows that are equal in what is asked for are unchanged.
      expect(await changes(store, { from: 2, key: ["id"], columns: ["part"], budget })).toHaveLength(30);
    },
  );

  test("several rows of one key", async () => {
    const store = memoryStore();
    await makeTable(store);
    await append(store, 0, [
      { id: 1, text: "a" },
      { id: 1, text: "a" },
      { id: 1, text: "b" },
    ]);
    await replace(store, 1, [
      { id: 1, text: "a" },
      { id: 1, text: "c" },
    ]);
    const found = await changes(store, { from: 2, key: ["id"] });
    // One "a" stays; of "a" and "b" one became "c", the other went.
    expect(found).toHaveLength(3);
    expect(found.filter((line) => line.includes("updateAfter 1 c"))).toHaveLength(1);
    expect(found.filter((line) => line.includes("delete") || line.includes("updateBefore"))).toHaveLength(2);
  });

  test("files of a change data feed come as they are", async () => {
    const store = memoryStore();
    await makeTable(store);
    await append(store, 0, rowsFrom(0, 3));
    const kind = { name: "_change_type", type: { kind: "string" }, nullable: true } as const;
    const wide = { fields: [...schema.fields, kind] };
    const [file] = await filesOf(store, wide, [
      { id: 1, text: "row 1", _change_type: "update_preimage" },
      { id: 1, text: "x", _change_type: "update_postimage" },
      { id: 2, text: "row 2", _change_type: "delete" },
      { id: 9, text: "n", _change_type: "insert" },
    ]);
    await store.put(`t/_change_data/cdc.parquet`, await store.get(`t/${file!.final}`));
    await put(store, name(2), [
      { commitInfo: { timestamp: 5 } },
      { remove: { path: "x.parquet", deletionTimestamp: 1, dataChange: true } },
      { cdc: { path: "_change_data/cdc.parquet", partitionValues: {}, size: file!.size, dataChange: false } },
    ]);
    expect(await changes(store, { from: 2 })).toEqual([
      "2 delete 2 row 2",
      "2 insert 9 n",
      "2 updateAfter 1 x",
      "2 updateBefore 1 row 1",
    ]);
  });

  test("what it refuses", async () => {
    const store = memoryStore();
    await makeTable(store);
    await append(store, 0, rowsFrom(0, 3));
    await append(store, 1, rowsFrom(3, 6));
    await expect(changes(store, { from: 9 })).rejects.toMatchObject({ code: "ALV_CONFIG" });
    await expect(changes(store, { from: -1 })).rejects.toMatchObject({ code: "ALV_CONFIG" });
    await expect(changes(store, { from: 0, key: ["nothing"] })).rejects.toMatchObject({ code: "ALV_CONFIG" });
    await expect(changes(store, { from: 0, to: 7 })).rejects.toMatchObject({ code: "ALV_NOT_FOUND" });
    await tableIn(store).optimize();
    await tableIn(store).vacuum({ retention: {}, unsafeRetention: true });
    await expect(changes(store, { from: 1 })).rejects.toMatchObject({ code: "ALV_NOT_FOUND" });
  });
});
