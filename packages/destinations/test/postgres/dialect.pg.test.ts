import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import type { ColumnType, Schema } from "@alluvium/core";
import { formatScalar, rowsOf, vectorOf, type Scalar } from "@alluvium/core/columns";
import { postgresDialect } from "../../src/postgres/dialect.ts";
import { opener, stored } from "./connections.ts";
import { useDatabase } from "./database.ts";

const db = useDatabase("dialect");
const open = opener(db.url);
const string: ColumnType = { kind: "string" };

describe("the dialect", () => {
  const values: readonly (readonly [ColumnType, readonly Scalar[]])[] = [
    [{ kind: "boolean" }, [false, true]],
    [{ kind: "int64" }, [-(2n ** 63n), 0n, 2n ** 63n - 1n]],
    [{ kind: "float64" }, [-Infinity, -1.5, 0, 5e-324, Infinity, Number.NaN]],
    [{ kind: "decimal", precision: 38, scale: 2 }, [-(10n ** 38n) + 1n, 0n, 10n ** 38n - 1n]],
    [
      string,
      ["", "A", "Z", "a", "é", "🦀", "\uFFFD"].toSorted((a, b) =>
        Buffer.compare(Buffer.from(a), Buffer.from(b)),
      ),
    ],
    [{ kind: "binary" }, [new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(1, 0), Uint8Array.of(200)]],
    [{ kind: "date" }, [-2_440_588, -719_529, -719_528, 0, 2_932_896, 2_932_897]],
    [{ kind: "time" }, [0n, 1n, 86_400_000_000n]],
    [
      { kind: "timestamp", zone: "utc" },
      [-210_866_803_200_000_000n, -62_167_219_200_000_001n, 0n, 253_402_300_800_000_000n, 2n ** 63n - 1n],
    ],
    [{ kind: "timestamp", zone: "local" }, [-1n, 0n, 1n]],
    [{ kind: "uuid" }, [new Uint8Array(16), new Uint8Array(16).fill(255)]],
  ];

  test.for(values)("%j: parameters, order and reading back are exact", async ([type, scalars]) => {
    const connection = await open();
    const { dialect } = connection;
    const bound = scalars.map((scalar, i) => dialect.bind(type, formatScalar(type, scalar), i + 1));
    const rows = bound.map(({ sql }, i) => `(${i}, ${sql})`);
    const statement = {
      text: `select v from (values ${rows.toReversed().join(", ")}, (99, null)) as t(i, v) order by ${dialect.ordered("v", type)}, i`,
      values: bound.map(({ value }) => value),
    };
    const schema: Schema = { fields: [{ name: "v", type, nullable: true }] };
    const found: unknown[] = [];
    for await (const batch of connection.scan(statement, schema))
      found.push(...rowsOf(batch, { timestamps: "micros" }).map(({ v }) => v));
    const expected = rowsOf(
      {
        schema,
        length: scalars.length,
        columns: [
          vectorOf(
            type,
            scalars.map((scalar) => userForm(type, scalar)),
          ),
        ],
      },
      { timestamps: "micros" },
    ).map(({ v }) => v);
    expect(found).toEqual([...expected, null]);
  });

  test("equality takes nulls for values, of every type", async () => {
    for (const json of ["jsonb", "json"] as const) {
      const connection = await open({ json });
      for (const type of stored) {
        const { dialect } = connection;
        const a = `cast(null as ${dialect.typeName(type)})`;
        const [row] = await connection.query({ text: `select ${dialect.same(a, a, type)} as same` });
        expect(row, JSON.stringify(type)).toEqual({ same: true });
      }
      const objects = (a: string, b: string): string =>
        connection.dialect.same(
          `cast('${a}' as ${connection.dialect.typeName({ kind: "json" })})`,
          `cast('${b}' as ${connection.dialect.typeName({ kind: "json" })})`,
          { kind: "json" },
        );
      const text = `select ${objects('{"a": 1}', '{"a": 1}')} as same, ${objects('{"a": 1}', '{"a": 2}')} as other`;
      expect(await connection.query({ text })).toEqual([{ same: true, other: false }]);
    }
  });

  function userForm(type: ColumnType, scalar: Scalar): unknown {
    if (
      type.kind === "timestamp" ||
      type.kind === "boolean" ||
      type.kind === "int64" ||
      type.kind === "float64"
    )
      return scalar;
    return type.kind === "binary" ? scalar : formatScalar(type, scalar);
  }

  test("microseconds become timestamps and come back, to the last one", async () => {
    const connection = await open();
    const { dialect } = connection;
    for (const micros of [-210_866_803_200_000_000n, -1n, 0n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
      const at = dialect.fromMicros("cast($1 as bigint)");
      const [row] = await connection.query({
        text: `select cast(${dialect.toMicros(at)} as text) as back, cast(${at} as text) as text`,
        values: [micros],
      });
      expect(row!["back"]).toBe(String(micros));
      expect(row!["text"]).toMatch(/\+00( BC)?$/);
    }
  });

  test("matching rows go, where nulls are to match those too", async () => {
    const connection = await open();
    const columns = [
      { name: "a", type: { kind: "int32" }, nullable: true },
      { name: "b", type: string, nullable: true },
    ] as const;
    const fill = `drop table if exists del; create table del (a int, b text);
      insert into del values (1, 'x'), (1, 'x'), (1, null), (null, 'x'), (null, null), (0, ''), (2, 'y');
      drop table if exists src; create table src (a int, b text); insert into src values `;
    const left = async (source: string, nullable: boolean): Promise<string[]> => {
      await db.run(fill + source);
      for (const statement of connection.dialect.deleteMatching({
        target: "public.del",
        source: "public.src",
        columns,
        nullable,
      }))
        await connection.execute(statement);
      return (
        await db.run(
          "select concat_ws('|', coalesce(a::text, '∅'), coalesce(b, '∅')) as r from del order by 1",
        )
      ).map(({ r }) => r as string);
    };
    expect(await left("(1, 'x'), (1, 'x'), (null, null)", true)).toEqual(
      ["0|", "1|∅", "2|y", "∅|x"].toSorted(),
    );
    expect(await left("(1, null), (null, 'x'), (9, null)", true)).toEqual(
      ["0|", "1|x", "1|x", "2|y", "∅|∅"].toSorted(),
    );
    expect(await left("(1, null), (2, 'y')", false)).toEqual(
      ["0|", "1|x", "1|x", "1|∅", "∅|x", "∅|∅"].toSorted(),
    );
  });

  test("names of indexes have 63 bytes at most, and are different ones", async () => {
    const connection = await open();
    const long = "ä".repeat(31);
    await db.run(`create table "${long}" ("${long}" int, b int)`);
    for (const columns of [[long], [long, "b"]])
      for (const unique of [true, false])
        for (const text of connection.dialect.index(long, columns, unique))
          await connection.execute({ text });
    expect((await connection.inspect(long))?.indexes).toHaveLength(4);
  });

  test.for([150_000, 170_000])(
    "rows are folded in and counted, for a server of version %d",
    async (version) => {
      const connection = await open();
      const dialect = postgresDialect({ schema: "public", json: "jsonb", version });
      const field = (name: string, type: ColumnType = string) => ({ name, type, nullable: false });
      const keys = [field("id", { kind: "int32" }), field("part")];
      const columns = [...keys, field("note")];
      const run = async (
        source: string,
        options: { readonly deletes?: boolean; readonly known?: "replace" | "keep"; readonly only?: boolean },
      ): Promise<readonly [counts: object, rows: readonly string[]]> => {
        const { deletes = true, known = "replace", only = false } = options;
        await db.run(`drop table if exists up; create table up (id int, part text, note text, primary key (id, part));
        insert into up values (1, 'a', 'old'), (2, 'a', 'old'), (3, 'a', 'old')`);
        const counts = { inserted: 0, updated: 0, deleted: 0 };
        for (const statement of dialect.upsert({
          target: "public.up",
          source: `(values ${source}) as v(id, part, note, _alv_delete)`.replace(
            /^(.*)$/,
            "(select * from $1)",
          ),
          keys,
          columns: only ? keys : columns,
          deletes,
          known,
        }))
          if (statement.counts === "each") Object.assign(counts, (await connection.query(statement))[0]);
          else if (statement.counts === "put") throw new Error("nobody could tell what was put");
          else counts[statement.counts!] += await connection.execute(statement);
        const rows = await db.run("select concat(id, part, ' ', note) as row from up order by id, part");
        return [counts, rows.map(({ row }) => row as string)];
      };
      const source =
        "(1, 'a', 'new', false), (1, 'b', 'new', false), (2, 'a', null, true), (9, 'z', null, true)";
      expect(await run(source, {})).toEqual([
        { inserted: 1, updated: 1, deleted: 1 },
        ["1a new", "1b new", "3a old"],
      ]);
      const rows = "(1, 'a', 'new', false), (4, 'a', 'new', false)";
      expect(await run(rows, { deletes: false })).toEqual([
        { inserted: 1, updated: 1, deleted: 0 },
        ["1a new", "2a old", "3a old", "4a new"],
      ]);
      expect(await run(rows, { deletes: false, known: "keep" })).toEqual([
        { inserted: 1, updated: 0, deleted: 0 },
        ["1a old", "2a old", "3a old", "4a new"],
      ]);
      expect(await run(source, { only: true })).toMatchObject([
        { inserted: 1, deleted: 1 },
        ["1a old", "1b ", "3a old"],
      ]);
    },
  );
});
