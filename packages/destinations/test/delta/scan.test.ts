import { describe, expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import type { Condition, ObjectStore, Schema } from "@alluvium/core";
import { deltaFormat } from "../../src/delta/format.ts";
import { deltaTable } from "../../src/delta/table.ts";
import { name, put } from "./log.ts";
import { changeOf, contextOf, filesOf, openTable, scanRows } from "./tables.ts";

const schema: Schema = {
  fields: [
    { name: "id", type: { kind: "int64" }, nullable: false },
    { name: "country", type: { kind: "string" }, nullable: true },
    { name: "total", type: { kind: "decimal", precision: 25, scale: 2 }, nullable: true },
    { name: "at", type: { kind: "timestamp", zone: "utc" }, nullable: true },
    { name: "ratio", type: { kind: "float64" }, nullable: true },
    {
      name: "tags",
      type: { kind: "list", element: { name: "element", type: { kind: "string" }, nullable: true } },
      nullable: true,
    },
  ],
};
const partitionBy = [{ column: "country" }, { column: "at", transform: "day" }] as const;
const day = 86_400_000_000n;

const rows = Array.from({ length: 200 }, (_, i) => ({
  id: BigInt(i),
  country: ["DE", "a b/%=é", null, "FR"][i % 4],
  total: i % 5 === 0 ? null : `${i - 100}.5`,
  at: i % 7 === 0 ? null : BigInt(i) * (day / 60n) - day + BigInt(i),
  ratio: i % 6 === 0 ? Number.NaN : i % 11 === 0 ? null : i / 3,
  tags: i % 3 === 0 ? null : ["x", null, `t${i}`],
}));

async function written(): Promise<ObjectStore> {
  const store = memoryStore();
  for (let load = 0; load < 4; load++)
    await deltaFormat.apply(
      changeOf(schema, {
        partitionBy,
        files: await filesOf(store, schema, rows.slice(load * 50, load * 50 + 50), partitionBy),
      }),
      contextOf(store, load),
    );
  return store;
}

const ids = (found: readonly Record<string, unknown>[]): unknown[] =>
  found.map((row) => row["id"]).sort((a, b) => Number(a) - Number(b));

describe("reading back", () => {
  test("a table is scanned without opening a snapshot first, at any version", async () => {
    const table = deltaTable({ store: await written(), path: "t" });
    const count = async (options?: Parameters<typeof table.scan>[0]): Promise<number> => {
      let sum = 0;
      for await (const batch of table.scan(options)) sum += batch.length;
      return sum;
    };
    expect(await count()).toBe(200);
    expect(await count({ version: 1 })).toBe(100);
    expect(await count({ version: 1, where: [{ column: "id", op: ">=", value: 90n }] })).toBe(10);
    await expect(count({ version: 9 })).rejects.toMatchObject({ code: "ALV_NOT_FOUND" });
  });

  test("gives every value, partition columns too", async () => {
    const snapshot = await openTable(await written());
    const found = (await scanRows(snapshot)).sort((a, b) => Number(a["id"]) - Number(b["id"]));
    expect(found).toHaveLength(200);
    found.forEach((row, i) => {
      const { at, ...rest } = rows[i]!;
      const { at: foundAt, at_day: foundDay, ...foundRest } = row;
      expect(foundRest).toEqual({ ...rest, total: rest.total === null ? null : `${i - 100}.50` });
      expect(foundAt).toEqual(at === null ? null : new Date(Math.floor(Number(at) / 1000)));
      expect(foundDay).toEqual(at === null ? null : (foundAt as Date).toISOString().slice(0, 10));
    });
    expect(snapshot.schema.fields.map((field) => field.name)).toEqual([
      ...schema.fields.map((field) => field.name),
      "at_day",
    ]);
    expect(await snapshot.rows()).toBe(200);
  });

  test("columns in the order asked for, also none of the file's own", async () => {
    const snapshot = await openTable(await written());
    const [first] = await scanRows(snapshot, {
      columns: ["total", "id"],
      where: [{ column: "country", op: "=", value: "FR" }],
    });
    expect(Object.keys(first!)).toEqual(["total", "id"]);
    const countries = await scanRows(snapshot, { columns: ["country"] });
    expect(countries.filter((row) => row["country"] === "DE")).toHaveLength(50);
    await expect(scanRows(snapshot, { columns: ["gone"] })).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringContaining('no column "gone"'),
    });
  });
});

describe("conditions", () => {
  const cases: [string, Condition[], (row: (typeof rows)[number]) => boolean][] = [
    ["a partition", [{ column: "country", op: "=", value: "a b/%=é" }], (row) => row.country === "a b/%=é"],
    [
      "several partitions",
      [{ column: "country", op: "in", value: ["DE", null] }],
      (row) => row.country === "DE" || row.country === null,
    ],
    [
      "a derived partition",
      [{ column: "at_day", op: "<", value: "1970-01-01" }],
      (row) => row.at !== null && row.at < 0n,
    ],
    [
      "a range of integers",
      [
        { column: "id", op: ">=", value: 37 },
        { column: "id", op: "<", value: 60n },
      ],
      (row) => row.id >= 37n && row.id < 60n,
    ],
    [
      "decimals",
      [{ column: "total", op: "<=", value: "-95.5" }],
      (row) => row.total !== null && Number(row.total) <= -95.5,
    ],
    [
      "instants",
      [{ column: "at", op: ">", value: new Date(86_400_000) }],
      (row) => row.at !== null && row.at > day,
    ],
    [
      "NaN is above all numbers",
      [{ column: "ratio", op: ">", value: 60 }],
      (row) => row.ratio !== null && row.ratio !== undefined && (Number.isNaN(row.ratio) || row.ratio > 60),
    ],
    ["NaN itself", [{ column: "ratio", op: "=", value: Number.NaN }], (row) => Number.isNaN(row.ratio)],
    ["null matches nothing else", [{ column: "total", op: "=", value: null }], (row) => row.total === null],
    ["nothing", [{ column: "id", op: ">", value: 1000 }], () => false],
  ];
  test.each(cases)("%s", async (_, where, model) => {
    const snapshot = await openTable(await written());
    const found = await scanRows(snapshot, { columns: ["id"], where });
    expect(ids(found)).toEqual(rows.filter(model).map((row) => row.id));
  });

  test.each<[Condition, string]>([
    [{ column: "gone", op: "=", value: 1 }, 'no column "gone"'],
    [{ column: "id", op: "=", value: "x" }, '"x" is not a value of column "id"'],
    [{ column: "id", op: "=", value: 1.5 }, '1.5 is not a value of column "id"'],
    [{ column: "tags", op: "=", value: 1 }, "cannot be compared"],
    [{ column: "id", op: "in", value: 1 }, "takes an array"],
  ])("%j is refused", async (condition, message) => {
    const snapshot = await openTable(await written());
    await expect(scanRows(snapshot, { where: [condition] })).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringContaining(message),
    });
  });

  test("files that cannot match are not opened", async () => {
    const inner = await written();
    const opened = new Set<string>();
    const store: ObjectStore = {
      ...inner,
      get: (path, options) => {
        if (path.endsWith(".parquet")) opened.add(path);
        return inner.get(path, options);
      },
    };
    const snapshot = await openTable(store);
    const files: string[] = [];
    const where: Condition[] = [
      { column: "id", op: "=", value: 60 },
      { column: "country", op: "=", value: "DE" },
    ];
    for await (const file of snapshot.files({ where })) files.push(file.path);
    expect(ids(await scanRows(snapshot, { where }))).toEqual([60n]);
    expect(opened.size).toBe(files.length);
    expect(files.length).toBeLessThan(3);
  });
});

describe("tables of others", () => {
  test("columns that a file lacks are null, other spellings are found, and partition values come from the log", async () => {
    const store = memoryStore();
    const small: Schema = {
      fields: [
        { name: "ID", type: { kind: "int64" }, nullable: true },
        { name: "p", type: { kind: "string" }, nullable: true },
      ],
    };
    const [file] = await filesOf(store, small, [
      { ID: 1n, p: "in the file" },
      { ID: 2n, p: "in the file" },
    ]);
    const fields = ["id", "later"].map((column) => ({
      name: column,
      type: "long",
      nullable: true,
      metadata: {},
    }));
    await put(store, name(0), [
      { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
      {
        metaData: {
          id: "x",
          format: { provider: "parquet", options: {} },
          schemaString: JSON.stringify({
            type: "struct",
            fields: [...fields, { name: "p", type: "string", nullable: true, metadata: {} }],
          }),
          partitionColumns: ["p"],
          configuration: {},
        },
      },
      // A size that is wrong, as some writers log it.
      {
        add: {
          path: file!.final,
          partitionValues: { p: "in the log" },
          size: file!.size + 1,
          modificationTime: 0,
          dataChange: true,
        },
      },
    ]);
    const snapshot = await openTable(store);
    expect(await scanRows(snapshot)).toEqual([
      { id: 1n, later: null, p: "in the log" },
      { id: 2n, later: null, p: "in the log" },
    ]);
    // Without statistics the footer has the count.
    expect(await snapshot.rows()).toBe(2);
  });

  test("a data file that is gone is named", async () => {
    const store = await written();
    const snapshot = await openTable(store);
    const paths: string[] = [];
    for await (const { path } of store.list("t/"))
      if (path.endsWith(".parquet") && !path.includes("_delta_log")) paths.push(path);
    await store.delete(paths);
    await expect(scanRows(snapshot)).rejects.toMatchObject({
      code: "ALV_NOT_FOUND",
      message: expect.stringContaining("part-"),
    });
  });
});

describe("versions", () => {
  test("by number and by time, and what was done", async () => {
    let now = Date.parse("2024-01-01T00:00:00Z");
    const store = memoryStore({ clock: () => new Date((now += 1000)) });
    const times: Date[] = [];
    for (let load = 0; load < 3; load++) {
      await deltaFormat.apply(
        changeOf(schema, { files: await filesOf(store, schema, rows.slice(load, load + 1)) }),
        contextOf(store, load),
      );
      times.push((await store.head(name(load)))!.modified);
    }
    for (const [version, timestamp] of times.entries()) {
      expect(await (await openTable(store, { version })).rows()).toBe(version + 1);
      expect((await openTable(store, { timestamp })).version).toBe(version);
      expect((await openTable(store, { timestamp: new Date(timestamp.getTime() + 1) })).version).toBe(
        version,
      );
    }
    await expect(openTable(store, { timestamp: new Date(times[0]!.getTime() - 1) })).rejects.toMatchObject({
      code: "ALV_NOT_FOUND",
    });
    await expect(openTable(store, { version: 3 })).rejects.toMatchObject({ code: "ALV_NOT_FOUND" });
    await expect(openTable(store, { version: 1.5 })).rejects.toMatchObject({ code: "ALV_CONFIG" });
    const { deltaTable } = await import("../../src/delta/index.ts");
    const history = [];
    for await (const entry of deltaTable({ store, path: "t" }).history({ limit: 2 })) history.push(entry);
    expect(history).toMatchObject([
      {
        version: 2,
        operation: "WRITE",
        loadId: "p-2",
        timestamp: times[2],
        isBlindAppend: true,
        engine: "Alluvium",
      },
      { version: 1, loadId: "p-1", timestamp: times[1] },
    ]);
  });

  test("no table", async () => {
    await expect(openTable(memoryStore())).rejects.toMatchObject({ code: "ALV_TABLE_NOT_FOUND" });
  });
});
