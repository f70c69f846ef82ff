import { type ObjectStore } from "@alluvium/core";
import { encodeSchema } from "@alluvium/core/state";
import { memoryStore } from "@alluvium/core/storage/memory";
import { describe, expect, test } from "vitest";
import { encodeRows } from "./json-writer.ts";
import {
  appendPlan,
  ids,
  idsIn,
  jsonLake,
  loadRows,
  openTest,
  pathsIn,
  replacePlan,
  type OpenOptions,
} from "./lakes.ts";

const other = { pipeline: { pipeline: "other", lane: "main" } };

async function load(
  store: ObjectStore,
  plan = appendPlan("t", ids()),
  id = 1,
  options: OpenOptions = {},
): Promise<void> {
  await using session = await openTest(store, jsonLake, options);
  await session.recover();
  await loadRows(session, plan, [ids(id)], id);
}

async function drop(store: ObjectStore): Promise<void> {
  await store.delete(await pathsIn(store, "t/"));
}

/** Another engine makes a table. */
async function createElsewhere(store: ObjectStore): Promise<void> {
  const commit = {
    tableId: "elsewhere",
    schema: encodeSchema(ids().schema),
    by: { pipeline: undefined },
    add: [],
    remove: [],
  };
  await store.putIfAbsent("t/_log/00000000000000000000.json", encodeRows([commit]));
}

describe("a table that changed hands", () => {
  test("another table id is refused, unless it is adopted", async () => {
    const store = memoryStore();
    await load(store);
    await drop(store);
    await createElsewhere(store);
    await expect(load(store)).rejects.toMatchObject({ code: "ALV_TABLE_REPLACED" });
    expect(await idsIn(store, "t")).toEqual([]);
    await load(store, undefined, 2, { adopt: ["t"] });
    await load(store, undefined, 3);
    expect(await idsIn(store, "t")).toEqual([2, 3]);
  });

  test("a table that is gone is refused where a cursor stands, and made again where it is replaced", async () => {
    const store = memoryStore();
    await load(store);
    await drop(store);
    await expect(load(store)).rejects.toMatchObject({ code: "ALV_TABLE_NOT_FOUND" });
    await load(store, replacePlan("t", ids()), 5);
    expect(await idsIn(store, "t")).toEqual([5]);
  });

  test("a table of another pipeline needs `adopt` or `shared`", async () => {
    const store = memoryStore();
    await load(store, undefined, 1, other);
    await expect(load(store)).rejects.toMatchObject({
      code: "ALV_TABLE_FOREIGN",
      message: expect.stringContaining("other"),
    });
    await load(store, undefined, 2, { shared: ["t"] });
    // Known by now.
    await load(store, undefined, 3);
    await load(store, undefined, 4, other);
    expect(await idsIn(store, "t")).toEqual([1, 2, 3, 4]);
  });

  test("a table of no pipeline needs `adopt` or `shared` too", async () => {
    const store = memoryStore();
    await createElsewhere(store);
    await expect(load(store)).rejects.toMatchObject({ code: "ALV_TABLE_FOREIGN" });
    await load(store, undefined, 1, { adopt: true });
    expect(await idsIn(store, "t")).toEqual([1]);
  });

  test("an adopted table may be replaced, a shared one may not", async () => {
    const store = memoryStore();
    await load(store, undefined, 1, other);
    await expect(load(store, replacePlan("t", ids()), 2, { shared: true })).rejects.toMatchObject({
      code: "ALV_TABLE_FOREIGN",
    });
    const window = { kind: "append", replaceWhere: [{ column: "id", op: "=", value: 1 }] } as const;
    await expect(
      load(store, { ...appendPlan("t", ids()), disposition: window }, 2, { shared: true }),
    ).rejects.toMatchObject({ code: "ALV_TABLE_FOREIGN" });
    expect(await idsIn(store, "t")).toEqual([1]);
    await load(store, replacePlan("t", ids()), 2, { adopt: ["t"] });
    expect(await idsIn(store, "t")).toEqual([2]);
  });

  test("two pipelines share the table of loads", async () => {
    const store = memoryStore();
    await load(store, appendPlan("a", ids()));
    await load(store, appendPlan("b", ids()), 1, other);
    const loads = await jsonLake.read(store, "_alv_loads");
    expect(loads.map(({ pipeline, sequence }) => [pipeline, Number(sequence)])).toEqual([
      ["shop", 0],
      ["other", 0],
    ]);
  });
});
