import { describe, expect, test } from "vitest";
import type { ColumnType } from "@alluvium/core";
import { storedType, typeName, widens } from "../../src/postgres/types.ts";
import { opener, stored } from "./connections.ts";
import { useDatabase } from "./database.ts";

const db = useDatabase("catalogue");
const open = opener(db.url);

describe("the catalogue", () => {
  test("every stored type is read as it was asked for", async () => {
    const connection = await open();
    const columns = stored.map((type, i) => `"c${i}" ${connection.dialect.typeName(type)}`);
    await db.run(
      `drop table if exists kinds; create table kinds (${columns.join(", ")}, n numeric, e int4range)`,
    );
    const found = await connection.inspect("kinds");
    expect(found?.columns.slice(0, stored.length).map(({ type }) => type)).toEqual(stored);
    expect(found?.columns.slice(stored.length)).toMatchObject([
      { name: "n", type: undefined, native: "numeric" },
      { name: "e", type: undefined, native: "int4range" },
    ]);
    for (const type of stored) expect(storedType(type)).toEqual(type);
  });

  test("nulls, keys and indexes; nothing of partial, deferrable or other indexes", async () => {
    const connection = await open();
    await db.run(`drop table if exists keyed; create table keyed (a int, "B" text not null, c int, d int,
      primary key (a, "B"), unique (c) deferrable);
      create index on keyed (d, a) include (c); create index on keyed (lower("B")); create unique index on keyed (d) where a > 0`);
    const found = await connection.inspect("keyed");
    expect(found?.columns.map(({ name, nullable }) => [name, nullable])).toEqual([
      ["a", false],
      ["B", false],
      ["c", true],
      ["d", true],
    ]);
    expect(found?.indexes).toHaveLength(3);
    expect(found?.indexes).toEqual(
      expect.arrayContaining([
        { unique: true, columns: ["a", "B"] },
        { unique: false, columns: ["c"] },
        { unique: false, columns: ["d", "a"] },
      ]),
    );
    expect(await connection.inspect("nowhere")).toBeUndefined();
  });

  test("a table keeps its mark beside a comment, through changes, and loses it with its life", async () => {
    const connection = await open();
    const name = 'o\'dd % "t"';
    const quoted = connection.dialect.table(name);
    await db.run(`create table ${quoted} (a int); comment on table ${quoted} is 'about [it]'`);
    for (const id of ["first", "second"]) {
      await connection.execute({ text: connection.dialect.identify(name, id) });
      expect((await connection.inspect(name))?.id).toBe(id);
    }
    const [row] = await db.run(
      `select obj_description('${quoted.replaceAll("'", "''")}'::regclass) as comment`,
    );
    expect(row).toEqual({ comment: "about [it] [alluvium second]" });
    await db.run(`alter table ${quoted} add b int; alter table ${quoted} rename to moved`);
    expect((await connection.inspect("moved"))?.id).toBe("second");
    await db.run("drop table moved; create table moved (a int)");
    expect((await connection.inspect("moved"))?.id).toBeUndefined();
  });

  test("a view is refused by name", async () => {
    const connection = await open();
    await db.run("create or replace view seen as select 1 as one");
    await expect(connection.inspect("seen")).rejects.toThrow("public.seen is a view");
    await connection.transaction(async () => {
      await expect(connection.inspect("seen", { lock: true })).rejects.toThrow("is a view");
    });
  });

  test("ALTER COLUMN TYPE does what `widens` says, to the value", async () => {
    const connection = await open();
    const samples: Partial<Record<ColumnType["kind"], readonly string[]>> = {
      int16: ["-32768", "32767"],
      int32: ["-2147483648", "2147483647"],
      int64: ["-9223372036854775808", "9223372036854775807"],
      float32: ["0.1", "3.4028235e38", "NaN"],
      decimal: ["0.01", "-9.99"],
      date: ["0001-01-01", "9999-12-31"],
    };
    const decimals = [
      { kind: "decimal", precision: 3, scale: 2 },
      { kind: "decimal", precision: 4, scale: 2 },
      { kind: "decimal", precision: 21, scale: 2 },
      { kind: "decimal", precision: 20, scale: 2 },
    ] as const;
    let widened = 0;
    for (const from of [...stored, ...decimals])
      for (const to of [...stored, ...decimals]) {
        const values = samples[from.kind];
        if (values === undefined || JSON.stringify(from) === JSON.stringify(to) || !widens(from, to))
          continue;
        if (from.kind === "decimal" && from.precision !== 3) continue;
        widened += 1;
        await db.run(`drop table if exists w; create table w (v ${typeName(from, "jsonb")}, o ${typeName(from, "jsonb")});
          insert into w (v) values ${values.map((value) => `('${value}')`).join(", ")}; update w set o = v;
          alter table w alter v type ${typeName(to, "jsonb")}`);
        const rows = await db.run("select v is not distinct from o as same from w");
        expect(rows, `${JSON.stringify(from)} → ${JSON.stringify(to)}`).toEqual(
          values.map(() => ({ same: true })),
        );
      }
    expect(widened).toBeGreaterThan(15);
    expect(widens({ kind: "int64" }, { kind: "float64" })).toBe(false);
    expect(widens({ kind: "int64" }, { kind: "decimal", precision: 20, scale: 2 })).toBe(false);
    expect(widens({ kind: "date" }, { kind: "timestamp", zone: "utc" })).toBe(false);
    expect(widens({ kind: "string" }, { kind: "json" })).toBe(false);
    await connection.query({ text: "select 1 as one" });
  });
});
