import { describe, expect, test } from "vitest";
import { postgres } from "@alluvium/sources/postgres";
import { casesPrelude, casesTable, pinnedSettings, spell, storedForms, typeCases } from "./type-cases.ts";
import { readAll, sourceContext, streamOf, useDatabase, type ReadResult } from "./database.ts";

const db = useDatabase("types");

async function read(
  options: Partial<Parameters<typeof postgres>[0]> = {},
  table: string = "t",
): Promise<ReadResult & { readonly schema: ReadResult["batches"][number]["schema"] }> {
  const source = postgres({ url: db.url, tables: [table], ...(options as object) });
  await using session = await source.open(sourceContext());
  const stream = streamOf(session, table);
  const result = await readAll(stream);
  return { ...result, schema: stream.tables[0]!.schema };
}

test("every type, with its extremes and null, is what the server says it is", async () => {
  await db.run(casesPrelude);
  const statements = casesTable();
  for (const statement of statements) await db.run(statement);
  const { rows, schema } = await read();
  expect(rows).toHaveLength(statements.length - 1);

  // The server's own text, under the settings that are pinned.
  await db.run(pinnedSettings);
  for (const [i, { sql, type, values, expected }] of typeCases.entries()) {
    const column = `c${i}`;
    expect(schema.fields.find(({ name }) => name === column)?.type, sql).toEqual(type);
    const spelled = expected ?? storedForms[type.kind] ?? ((v: string) => `${v}::text`);
    const wanted = await db.run(`select ${spelled(column)} as v from t order by row_number`);
    const got = rows
      .toSorted((a, b) => Number(a["row_number"]) - Number(b["row_number"]))
      .map((row) => spell(row[column]));
    expect(got, `${sql}: ${values.join(" | ")}`).toEqual(wanted.map(({ v }) => v));
  }
});

describe("values that a column cannot hold", () => {
  const specials: readonly (readonly [type: string, value: string])[] = [
    ["numeric(10,2)", "NaN"],
    ["date", "infinity"],
    ["date", "-infinity"],
    ["timestamp", "infinity"],
    ["timestamptz", "-infinity"],
    ["timestamp", "294276-12-31 23:59:59.999999"],
  ];
  test.each(specials)("%s %s: an error that names column and remedy, null, or text", async (type, value) => {
    await db.run(`drop table if exists s; create table s (x ${type}); insert into s values ('${value}')`);
    await expect(read({}, "s")).rejects.toMatchObject({
      code: "ALV_VALUE_UNREPRESENTABLE",
      message: expect.stringMatching(/s, column "x".*Remedy: special/) as string,
    });
    expect((await read({ special: "null" }, "s")).rows).toEqual([{ x: null }]);
    const [{ x }] = (await db.run("select x::text from s")) as [{ x: string }];
    expect((await read({ special: "text" }, "s")).rows).toEqual([{ x }]);
  });

  test("a bare numeric with a chosen precision is exact, or says which value does not fit", async () => {
    await db.run(
      `drop table if exists s; create table s (x numeric); insert into s values (12.5), (-0.01), (0), (99999999.99), (120.500)`,
    );
    const chosen = { numeric: { precision: 10, scale: 2 } } as const;
    const { rows, schema } = await read(chosen, "s");
    expect(schema.fields[0]!.type).toEqual({ kind: "decimal", precision: 10, scale: 2 });
    expect(rows.map(({ x }) => x)).toEqual([1250n, -1n, 0n, 9999999999n, 12050n]);
    for (const value of ["0.001", "100000000", "1e20", "Infinity"]) {
      await db.run(`truncate s; insert into s values ('${value}')`);
      await expect(read(chosen, "s")).rejects.toThrow(/column "x": .*has no form as decimal\(10, 2\)/);
    }
  });
});

describe("nested types", () => {
  test("arrays are lists, with nulls and empty ones; of types without a binary form of ours, by their text", async () => {
    await db.run(`drop table if exists a; create table a (i int[], n numeric(6,2)[], s text[], v interval[], m mood[], j jsonb[], d price[], c char(3)[]);
      insert into a values
        ('{1,null,-3}', '{1.5,null}', '{"a,b",null,""}', '{"1 day",null}', '{sad,null}', array['{"a": 1.10}'::jsonb, null], '{1.25}', '{a,bcd}'),
        ('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'), (null, null, null, null, null, null, null, null)`);
    const { rows, schema } = await read({}, "a");
    expect(
      schema.fields.map(({ type }) => (type.kind === "list" ? type.element.type.kind : type.kind)),
    ).toEqual(["int32", "decimal", "string", "string", "string", "json", "decimal", "string"]);
    expect(rows[0]).toEqual({
      i: [1, null, -3],
      n: [150n, null],
      s: ["a,b", null, ""],
      v: ["1 day", null],
      m: ["sad", null],
      j: ['{"a": 1.10}', null],
      d: [125n],
      c: ["a  ", "bcd"],
    });
    expect(Object.values(rows[1]!)).toEqual(Array.from({ length: 8 }, () => []));
    expect(Object.values(rows[2]!)).toEqual(Array.from({ length: 8 }, () => null));
  });

  test.each(["{{1,2},{3,4}}", "[2:3]={1,2}"])(
    "the array %s is no list: an error, or its text",
    async (value) => {
      await db.run(
        `drop table if exists a; create table a (i int[]); insert into a values ('{1}'), ('${value}')`,
      );
      await expect(read({}, "a")).rejects.toThrow(
        /column "i": an array .* is no list. Remedy: arrays: "text"/,
      );
      expect((await read({ arrays: "text" }, "a")).rows).toEqual([{ i: "{1}" }, { i: value }]);
    },
  );

  test("composites are structs, nested, without dropped attributes; null differs from all members null", async () => {
    await db.run(`drop table if exists a;
      create type inner_c as (x int, gone int, "Weird ""name""" text);
      create type outer_c as (a inner_c, t timestamptz, span interval, list int[]);
      create domain outer_d as outer_c;
      create table a (id int primary key, i inner_c, o outer_c, many inner_c[], spans outer_c[], d outer_d)`);
    await db.run(`alter type inner_c drop attribute gone`);
    await db.run(`insert into a values
      (1, row(1, 'é'), row(row(2, null), '1970-01-01 00:00:00.000001+00', '1 mon', '{1}'), array[row(3, 'x')::inner_c, null], null, row(row(7, 'q'), null, '1 day', null)),
      (2, null, null, null, null, null), (3, row(null, null), row(null, null, null, null), '{}', array[row(null, null, '2 days', null)::outer_c], null)`);
    const { rows, schema } = await read({}, "a");
    const weird = 'Weird "name"';
    expect(rows.toSorted((x, y) => Number(x["id"]) - Number(y["id"]))).toEqual([
      {
        id: 1,
        i: { x: 1, [weird]: "é" },
        o: { a: { x: 2, [weird]: null }, t: 1n, span: "1 mon", list: [1] },
        many: [{ x: 3, [weird]: "x" }, null],
        spans: null,
        d: { a: { x: 7, [weird]: "q" }, t: null, span: "1 day", list: null },
      },
      { id: 2, i: null, o: null, many: null, spans: null, d: null },
      {
        id: 3,
        i: { x: null, [weird]: null },
        o: { a: null, t: null, span: null, list: null },
        many: [],
        spans: '{"(,,\\"2 days\\",)"}',
        d: null,
      },
    ]);
    expect(schema.fields.map(({ type }) => type.kind)).toEqual([
      "int32",
      "struct",
      "struct",
      "list",
      "string",
      "struct",
    ]);
  });
});

test("texts of a database that checks no encoding are refused where they are not UTF-8", async () => {
  const name = "alluvium_ascii";
  await db.run(`drop database if exists ${name} with (force)`);
  await db.run(`create database ${name} encoding sql_ascii template template0 lc_collate 'C' lc_ctype 'C'`);
  const url = db.url.replace("alluvium_types", name);
  const setup = new (await import("pg")).default.Client({ connectionString: url });
  await setup.connect();
  try {
    await setup.query(`create table good (x text); insert into good values ('ok')`);
    await setup.query(
      `create table bad (x text); insert into bad select convert_from('\\xff61'::bytea, 'SQL_ASCII')`,
    );
    const source = postgres({ url });
    await using session = await source.open(sourceContext());
    expect((await readAll(streamOf(session, "good"))).rows).toEqual([{ x: "ok" }]);
    await expect(readAll(streamOf(session, "bad"))).rejects.toThrow(
      /bad: invalid byte sequence .*Remedy: .*convert_to/,
    );
  } finally {
    await setup.end();
    await db.run(`drop database ${name} with (force)`);
  }
});
