import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import type { ObjectStore, Partition, Schema } from "@alluvium/core";
import { fileStore } from "@alluvium/core/storage/file";
import { memoryStore } from "@alluvium/core/storage/memory";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { deltaFormat } from "../../src/delta/format.ts";
import { attachLake, type DuckDBConnectionLike } from "../../src/delta/index.ts";
import { metaData, name, protocol, put } from "./log.ts";
import { append, makeTable, range, rowsFrom, tableIn } from "./maintain/care.ts";
import { changeOf, contextOf, filesOf } from "./tables.ts";

let connection: DuckDBConnection;
beforeAll(async () => {
  const config = { autoinstall_known_extensions: "false", autoload_known_extensions: "false" };
  connection = await (await DuckDBInstance.create(":memory:", config)).connect();
  await connection.run("set timezone = 'America/New_York'");
});
afterAll(() => connection.closeSync());

function lake(): ObjectStore {
  const folder = mkdtempSync(join(tmpdir(), "alluvium-attach-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return fileStore(folder);
}

const query = async (sql: string): Promise<unknown[][]> =>
  (await connection.runAndReadAll(sql)).getRowsJson() as unknown[][];

async function load(
  store: ObjectStore,
  sequence: number,
  columns: Schema["fields"],
  rows: readonly Readonly<Record<string, unknown>>[],
  partitionBy: readonly Partition[] = [],
): Promise<void> {
  const schema = { fields: columns };
  const files = await filesOf(store, schema, rows, partitionBy);
  await deltaFormat.apply(
    changeOf(schema, { files, partitionBy, create: sequence === 0 }),
    contextOf(store, sequence),
  );
}

const id = { name: "id", type: { kind: "int64" }, nullable: true } as const;

describe("attachLake", () => {
  test("views of a lake, deleted rows left out", async () => {
    const store = lake();
    await makeTable(store);
    for (let sequence = 0; sequence < 3; sequence++)
      await append(store, sequence, rowsFrom(sequence * 10, sequence * 10 + 10));
    await tableIn(store).delete({ where: [{ column: "id", op: "in", value: [0, 9, 15] }] });
    const connectionLike: DuckDBConnectionLike = connection;
    expect(await attachLake(connectionLike, { store })).toEqual([
      { name: "t", version: 4, files: 3, deletedRows: 3 },
    ]);
    const ids = [...range(1, 9), ...range(10, 15), ...range(16, 30)];
    expect((await query("select id from t order by id")).map(([value]) => Number(value))).toEqual(ids);
    expect(await query("select count(*), min(text) from t where id > 8 and id < 17")).toEqual([
      ["6", "row 10"],
    ]);
    // A view stays with its version; attached again it sees the newest.
    await append(store, 3, rowsFrom(30, 31));
    expect(await query("select count(*) from t")).toEqual([["27"]]);
    await attachLake(connection, { store });
    expect(await query("select count(*) from t")).toEqual([["28"]]);
    await attachLake(connection, { store, tables: ["t"], versions: { t: 3 } });
    expect(await query("select count(*) from t")).toEqual([["30"]]);
  });

  test("partitions from the log, of every type", async () => {
    const store = lake();
    const at = { name: "at", type: { kind: "timestamp", zone: "utc" }, nullable: true } as const;
    const wall = { name: "wall", type: { kind: "timestamp", zone: "local" }, nullable: true } as const;
    const columns = [
      id,
      { name: 'o\'clock "x"'.replaceAll(/[ "]/g, "_"), type: { kind: "string" }, nullable: true },
      at,
      wall,
      { name: "money", type: { kind: "decimal", precision: 9, scale: 2 }, nullable: true },
      { name: "flag", type: { kind: "boolean" }, nullable: true },
    ] as const;
    const partitionBy = columns.slice(1).map(({ name: column }) => ({ column }));
    const text = columns[1].name;
    const rows = [
      {
        id: 1,
        [text]: "it's a/b=ü%",
        at: new Date("2024-05-01T10:00:00.123Z"),
        wall: "2024-05-01T10:00:00.123",
        money: "1.50",
        flag: true,
      },
      { id: 2 },
    ];
    await load(store, 0, columns, rows, partitionBy);
    await attachLake(connection, { store });
    const select = `id, "${text}", epoch_us("at"), wall::varchar, money::varchar, flag`;
    expect(await query(`select ${select} from t order by id`)).toEqual([
      [
        "1",
        "it's a/b=ü%",
        String(Date.parse("2024-05-01T10:00:00.123Z") * 1000),
        "2024-05-01 10:00:00.123",
        "1.50",
        true,
      ],
      ["2", null, null, null, null, null],
    ]);
    expect(await query(`select typeof("at"), typeof(wall), typeof(money) from t limit 1`)).toEqual([
      ["TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "DECIMAL(9,2)"],
    ]);
  });

  test("columns and members that came later, and other letters", async () => {
    const store = lake();
    const person = (...members: string[]) =>
      ({
        name: "person",
        type: {
          kind: "struct",
          fields: members.map((member) => ({
            name: member,
            type: { kind: "string" } as const,
            nullable: true,
          })),
        },
        nullable: true,
      }) as const;
    const tags = {
      name: "tags",
      type: { kind: "list", element: { name: "element", type: { kind: "int32" }, nullable: true } },
      nullable: true,
    } as const;
    await load(store, 0, [id, person("first")], [{ id: 1, person: { first: "Ada" } }]);
    await load(
      store,
      1,
      [id, person("first", "last"), tags],
      [{ id: 2, person: { first: "Bob", last: "Ba" }, tags: [1, null] }],
    );
    await load(store, 2, [id], [{ id: 3 }]);
    await attachLake(connection, { store });
    expect(await query("select id, person, tags from t order by id")).toEqual([
      ["1", { first: "Ada", last: null }, null],
      ["2", { first: "Bob", last: "Ba" }, [1, null]],
      ["3", null, null],
    ]);
  });

  test("a table without files, names that need quotes, folders that are no tables", async () => {
    const store = lake();
    await put(store, `odd "name"/_delta_log/00000000000000000000.json`, [protocol, metaData(["a"])]);
    await store.put("notes.txt", new Uint8Array(1));
    await store.put("_hidden/_delta_log/00000000000000000000.json", new Uint8Array(1));
    await store.put("plain/file.parquet", new Uint8Array(1));
    expect(await attachLake(connection, { store })).toEqual([
      { name: `odd "name"`, version: 0, files: 0, deletedRows: 0 },
    ]);
    expect(await query(`select * from "odd ""name"""`)).toEqual([]);
  });

  test("what it refuses", async () => {
    await expect(attachLake(connection, {})).rejects.toMatchObject({ code: "ALV_CONFIG" });
    await expect(attachLake(connection, { store: memoryStore() })).rejects.toMatchObject({
      code: "ALV_UNSUPPORTED",
    });
    const store = lake();
    await expect(attachLake(connection, { store, tables: ["x"] })).rejects.toMatchObject({
      code: "ALV_TABLE_NOT_FOUND",
    });
    await put(store, name(0), [
      { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
      metaData(["a"], { configuration: { "delta.columnMapping.mode": "name" } }),
    ]);
    await expect(attachLake(connection, { store })).rejects.toMatchObject({ code: "ALV_UNSUPPORTED" });
  });

  test("conditions reach the files", async () => {
    const store = lake();
    await makeTable(store);
    await append(store, 0, rowsFrom(0, 1000));
    await tableIn(store).delete({ where: [{ column: "id", op: "=", value: 5 }] });
    await append(store, 1, rowsFrom(1000, 2000));
    await attachLake(connection, { store });
    const [[, plan]] = (await query("explain select id from t where text = 'row 1500'")) as [
      [string, string],
    ];
    // Pushed down to both scans, and only the columns that are needed are read.
    expect(plan.match(/text='row 1500'/g)).toHaveLength(2);
    expect(plan).not.toContain("part");
  });
});
