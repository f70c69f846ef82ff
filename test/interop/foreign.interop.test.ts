import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rowsOf } from "@alluvium/core/columns";
import { deltaTable } from "@alluvium/destinations/delta";
import { deltars, spark, type Place } from "./client.ts";
import { expectEverywhere, expectRows, expectSchema, type Content } from "./compare.ts";
import { column, decimal, instant, listOf, mapOf, structOf, wallClock, type Row } from "./expected.ts";
import { loadDelta, readOurselves, temporaryFolder } from "./lake.ts";

const at = (lake: string, table = "t"): Place => ({ path: join(lake, table), format: "delta" });
const log = (place: Place): string[] => readdirSync(join(place.path, "_delta_log"));

/** Expects our own reader to see what another engine wrote. */
async function expectOwn(place: Place, content: Content): Promise<void> {
  const read = await readOurselves(place);
  expectSchema("alluvium", read, content.fields);
  expectRows(read, content);
}

const id = column("id", "int32");
const micros = (text: string, rest = 0): bigint => BigInt(Date.parse(text)) * 1000n + BigInt(rest);

describe("our reader on tables of Spark", () => {
  const fields = [
    id,
    column("flag", "boolean"),
    column("tiny", "int8"),
    column("small", "int16"),
    column("long", "int64"),
    column("single", "float32"),
    column("double", "float64"),
    column("money", decimal(9, 2)),
    column("wide", decimal(38, 10)),
    column("text", "string"),
    column("bytes", "binary"),
    column("day", "date"),
    column("at", instant),
    column("wall", wallClock),
    column("tags", listOf("string")),
    column("person", structOf(column("name", "string"), column("age", "int32"))),
    column("counts", mapOf("string", "int64")),
    column("lines", listOf(structOf(column("sku", "string"), column("qty", listOf("int32"))))),
  ];
  const select = `select 1 id, true flag, cast(-128 as tinyint) tiny, cast(32767 as smallint) small, -9223372036854775808 long,
      cast('NaN' as float) single, cast('-Infinity' as double) double, cast('-1234567.89' as decimal(9,2)) money,
      cast('-12345678901234567890.0000000001' as decimal(38,10)) wide, 'ünï😀' text, X'00ff' bytes, date '0001-01-01' day,
      timestamp '0001-01-01 00:00:00.000001Z' at, timestamp_ntz '9999-12-31 23:59:59.999999' wall, array('a', null, '') tags,
      named_struct('name', 'Ada', 'age', 36) person, map('k', 1L, 'n', null) counts,
      array(named_struct('sku', 's', 'qty', array(1, null)), null) lines
    union all select 2, ${fields
      .slice(1)
      .map(() => "null")
      .join(", ")}
    union all select 3, false, 0Y, 0S, 0L, cast('-0' as float), cast(5e-324 as double), cast(0 as decimal(9,2)), cast('1e-10' as decimal(38,10)),
      '', X'', date '1969-12-31', timestamp '1969-12-31 23:59:59.999999Z', timestamp_ntz '1582-10-04 00:00:00', array(),
      named_struct('name', null, 'age', null), map(), array()`;
  const rows: Row[] = [
    {
      id: 1,
      flag: true,
      tiny: -128,
      small: 32_767,
      long: -(2n ** 63n),
      single: Number.NaN,
      double: -Infinity,
      money: "-1234567.89",
      wide: "-12345678901234567890.0000000001",
      text: "ünï😀",
      bytes: new Uint8Array([0, 255]),
      day: "0001-01-01",
      at: -62_135_596_799_999_999n,
      wall: 253_402_300_799_999_999n,
      tags: ["a", null, ""],
      person: { name: "Ada", age: 36 },
      counts: new Map([
        ["k", 1n],
        ["n", null],
      ]),
      lines: [{ sku: "s", qty: [1, null] }, null],
    },
    { id: 2 },
    {
      id: 3,
      flag: false,
      tiny: 0,
      small: 0,
      long: 0n,
      single: -0,
      double: 5e-324,
      money: "0",
      wide: "0.0000000001",
      text: "",
      bytes: new Uint8Array(),
      day: "1969-12-31",
      at: -1n,
      wall: micros("1582-10-04T00:00:00Z"),
      tags: [],
      person: { name: null, age: null },
      counts: new Map(),
      lines: [],
    },
  ];
  const ddl = `id int, flag boolean, tiny tinyint, small smallint, long bigint, single float, double double, money decimal(9,2), wide decimal(38,10),
    text string, bytes binary, day date, at timestamp, wall timestamp_ntz, tags array<string>, person struct<name: string, age: int>,
    counts map<string, bigint>, lines array<struct<sku: string, qty: array<int>>>`;

  test.for(["INT96", "TIMESTAMP_MICROS"])("every type, instants as %s", async (timestamps) => {
    const place = at(temporaryFolder());
    await spark(
      `set spark.sql.parquet.outputTimestampType=${timestamps}`,
      `create table delta.\`${place.path}\` (${ddl}) using delta`,
      `insert into delta.\`${place.path}\` ${select}`,
      "set spark.sql.parquet.outputTimestampType=INT96",
    );
    await expectOwn(place, { fields, rows });
  });

  test("deletion vectors, of which some are large, updates among them", async () => {
    const place = at(temporaryFolder());
    const name = `delta.\`${place.path}\``;
    await spark(
      `create table ${name} (id int, v string) using delta tblproperties ('delta.enableDeletionVectors' = 'true')`,
      `insert into ${name} select cast(id as int), concat('v', id) from range(0, 20000, 1, 1)`,
      `delete from ${name} where id % 3 = 0`,
      `update ${name} set v = 'changed' where id between 100 and 110`,
      `delete from ${name} where id between 500 and 15000`,
    );
    const snapshot = await deltaTable(place.path).snapshot();
    const deleted = (await Array.fromAsync(snapshot.files())).reduce(
      (sum, file) => sum + file.deletedRows,
      0,
    );
    expect(deleted).toBeGreaterThan(10_000);
    const rows = Array.from({ length: 20_000 }, (_, i) => ({
      id: i,
      v: i >= 100 && i <= 110 ? "changed" : `v${i}`,
    })).filter((row) => row.id % 3 !== 0 && !(row.id >= 500 && row.id <= 15_000));
    await expectOwn(place, { fields: [id, column("v", "string")], rows });
    expect(await snapshot.rows()).toBe(rows.length);
  });

  test.for(["name", "id"])("columns mapped by %s, renamed and dropped", async (mode) => {
    const place = at(temporaryFolder());
    const name = `delta.\`${place.path}\``;
    await spark(
      `create table ${name} (id int, old string, gone int, s struct<x: int, y: string>, country string) using delta partitioned by (country)
        tblproperties ('delta.columnMapping.mode' = '${mode}')`,
      `insert into ${name} values (1, 'a', 5, named_struct('x', 1, 'y', 'p'), 'DE'), (2, null, 6, null, null)`,
      `alter table ${name} rename column old to \`new name\``,
      `alter table ${name} drop column gone`,
      `alter table ${name} rename column s.y to z`,
      `insert into ${name} values (3, 'c', named_struct('x', 3, 'z', 'r'), 'a b')`,
    );
    await expectOwn(place, {
      fields: [
        id,
        column("new name", "string"),
        column("s", structOf(column("x", "int32"), column("z", "string"))),
        column("country", "string"),
      ],
      rows: [
        { id: 1, "new name": "a", s: { x: 1, z: "p" }, country: "DE" },
        { id: 2 },
        { id: 3, "new name": "c", s: { x: 3, z: "r" }, country: "a b" },
      ],
    });
  });

  test.for(["classic", "v2"])("%s checkpoints, with the older log removed", async (policy) => {
    const place = at(temporaryFolder());
    const name = `delta.\`${place.path}\``;
    await spark(
      `create table ${name} (id int, day date) using delta partitioned by (day)
        tblproperties ('delta.checkpointPolicy' = '${policy}', 'delta.checkpointInterval' = '2', 'delta.checkpoint.writeStatsAsStruct' = 'true',
          'delta.checkpoint.writeStatsAsJson' = 'false')`,
      ...Array.from(
        { length: 5 },
        (_, i) => `insert into ${name} values (${i}, date '2024-01-0${(i % 3) + 1}')`,
      ),
    );
    expect(log(place).some((file) => file.includes("4.checkpoint"))).toBe(true);
    for (const file of log(place))
      if (/^0{19}[0-3]\./.test(file)) rmSync(join(place.path, "_delta_log", file));
    const rows = Array.from({ length: 5 }, (_, i) => ({ id: i, day: `2024-01-0${(i % 3) + 1}` }));
    await expectOwn(place, { fields: [id, column("day", "date")], rows });
    const found: unknown[] = [];
    const where = [{ column: "id", op: ">=", value: 3 }] as const;
    for await (const batch of (await deltaTable(place.path).snapshot()).scan({ where }))
      found.push(...rowsOf(batch));
    expect(found).toHaveLength(2);
  });

  test.for([
    [
      "typeWidening",
      "'delta.enableTypeWidening' = 'true'",
      "(id int)",
      ["alter table T change column id type bigint"],
    ],
    ["variantType", "'delta.enableChangeDataFeed' = 'false'", "(id int, v variant)", []],
  ] as const)("what is unknown is refused by name: %s", async ([feature, property, columns, more]) => {
    const place = at(temporaryFolder());
    const name = `delta.\`${place.path}\``;
    await spark(
      `create table ${name} ${columns} using delta tblproperties (${property})`,
      ...more.map((statement) => statement.replace(" T ", ` ${name} `)),
    );
    await expect(readOurselves(place)).rejects.toMatchObject({
      code: "ALV_TABLE_FEATURE",
      message: expect.stringContaining(feature),
    });
  });
});

describe("our reader on tables of delta-rs", () => {
  test("partitions, deletes, growth, a checkpoint and compaction", async () => {
    const place = at(temporaryFolder());
    const select = (from: number, to: number): string =>
      `select i::int as id, case when i % 4 = 0 then null else 'c ' || (i % 3) || '/%' end as country,
        (i::varchar || '.25')::decimal(20,2) as total, make_timestamptz(i * 1000003::bigint) as at,
        [i, null]::int[] as l, {'x': i::bigint, 'y': null::varchar} as s from range(${from}, ${to}) t(i)`;
    await deltars(
      place.path,
      { write: select(0, 100), partition_by: ["country"] },
      { write: select(100, 130), mode: "append" },
      { delete: "id >= 20 and id < 25" },
      {
        write: `select 1000::int as id, 'new' as country, 'x' as added`,
        mode: "append",
        schema_mode: "merge",
      },
      { checkpoint: true },
      { compact: true },
      { delete: "id = 30" },
    );
    const rows = Array.from({ length: 130 }, (_, i) => ({
      id: i,
      country: i % 4 === 0 ? null : `c ${i % 3}/%`,
      total: `${i}.25`,
      at: BigInt(i) * 1_000_003n,
      l: [i, null],
      s: { x: BigInt(i), y: null },
    })).filter((row) => !(row.id >= 20 && row.id < 25) && row.id !== 30);
    await expectOwn(place, {
      fields: [
        id,
        column("total", decimal(20, 2)),
        column("at", instant),
        column("l", listOf("int32")),
        column("s", structOf(column("x", "int64"), column("y", "string"))),
        column("country", "string"),
        column("added", "string"),
      ],
      rows: [...rows, { id: 1000, country: "new", added: "x" }],
    });
  });
});

describe("our writer on tables of others", () => {
  const fields = [id, column("country", "string"), column("at", instant), column("wall", wallClock)];
  const rowsFrom = (start: number, count = 5): Row[] =>
    Array.from({ length: count }, (_, i) => ({
      id: start + i,
      country: (start + i) % 2 === 0 ? "a b" : null,
      at: BigInt(start + i) * 1_000_001n,
      wall: i === 0 ? null : -BigInt(start + i),
    }));
  const sqlRow = (row: Row): string => {
    const instantOf = (value: unknown): string => `timestamp_micros(${String(value as bigint)})`;
    const wall = row["wall"] === null ? "null" : `cast(${instantOf(row["wall"])} as timestamp_ntz)`;
    return `(${row["id"] as number}, ${row["country"] === null ? "null" : "'a b'"}, ${instantOf(row["at"])}, ${wall})`;
  };

  test("Spark makes it and adds to it between our loads, as a guest and after a take-over", async () => {
    const lake = temporaryFolder();
    const place = at(lake);
    const name = `delta.\`${place.path}\``;
    const insert = (rows: readonly Row[]): Promise<unknown> =>
      spark(`insert into ${name} values ${rows.map(sqlRow).join(", ")}`);
    await spark(
      `create table ${name} (id int comment 'key', country string, at timestamp, wall timestamp_ntz) using delta partitioned by (country)`,
    );
    await insert(rowsFrom(0));
    const table = (rows: readonly Row[]): Parameters<typeof loadDelta>[1] => ({
      t: { fields, rows, partitionBy: [{ column: "country" }] },
    });
    await expect(loadDelta(lake, table(rowsFrom(5)))).rejects.toMatchObject({ code: "ALV_TABLE_FOREIGN" });
    await loadDelta(lake, table(rowsFrom(5)), { shared: true });
    await insert(rowsFrom(10));
    await loadDelta(lake, table(rowsFrom(15)), { shared: true });
    await insert(rowsFrom(20));
    await expectEverywhere(place, {
      fields,
      rows: rowsFrom(0, 25).map((row, i) => ({ ...row, wall: i % 5 === 0 ? null : row["wall"] })),
    });
    await loadDelta(lake, table(rowsFrom(25)), { adopt: true });
    await spark(`delete from ${name} where id < 5`);
    const left = rowsFrom(5, 25).map((row, i) => ({ ...row, wall: i % 5 === 0 ? null : row["wall"] }));
    await expectEverywhere(place, { fields, rows: left });
    // Spark's own checkpoint of our commits, and ours of Spark's.
    for (let load = 0; load < 8; load++) await loadDelta(lake, table(rowsFrom(100 + load * 5)));
    expect(log(place).some((file) => file.includes(".checkpoint."))).toBe(true);
    await expectEverywhere(place, {
      fields,
      rows: [
        ...left,
        ...rowsFrom(100, 40).map((row, i) => ({ ...row, wall: i % 5 === 0 ? null : row["wall"] })),
      ],
    });
  });

  test("delta-rs makes it", async () => {
    const lake = temporaryFolder();
    const place = at(lake);
    const select = (from: number): string =>
      `select i::int as id, 'v' || i as v, {'x': i::int} as s from range(${from}, ${from + 5}) t(i)`;
    await deltars(place.path, { write: select(0) });
    const s = (x: unknown): unknown => ({ x, y: null });
    const grown = [
      id,
      column("v", "string"),
      column("s", structOf(column("x", "int32"), column("y", "date"))),
      column("more", decimal(10, 1)),
    ];
    const ours = [{ id: 100, v: "ours", s: { x: 1, y: "2024-02-29" }, more: "1.5" }, { id: 101 }];
    await loadDelta(lake, { t: { fields: grown, rows: ours } }, { shared: true });
    await deltars(
      place.path,
      { write: select(5), mode: "append", schema_mode: "merge" },
      { checkpoint: true },
    );
    await loadDelta(lake, { t: { fields: grown, rows: [{ id: 102, more: "2.5" }] } }, { shared: true });
    await expectEverywhere(place, {
      fields: grown,
      rows: [
        ...Array.from({ length: 10 }, (_, i) => ({ id: i, v: `v${i}`, s: s(i) })),
        ...ours,
        { id: 102, more: "2.5" },
      ],
    });
  });

  test("what Spark demands of writers is refused by name, and nothing is written", async () => {
    const lake = temporaryFolder();
    const place = at(lake);
    await spark(
      `create table delta.\`${place.path}\` (id int, country string, at timestamp, wall timestamp_ntz) using delta`,
      `alter table delta.\`${place.path}\` add constraint positive check (id > 0)`,
    );
    const before = log(place);
    await expect(
      loadDelta(lake, { t: { fields, rows: rowsFrom(1) } }, { shared: true }),
    ).rejects.toMatchObject({ message: expect.stringContaining("delta.constraints.positive") });
    expect(log(place)).toEqual(before);
    expect(existsSync(place.path)).toBe(true);
  });
});
