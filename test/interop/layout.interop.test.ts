import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Disposition, Field } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { bytesSource, openParquet } from "@alluvium/core/parquet";
import { deltaTable } from "@alluvium/destinations/delta";
import { digestOf } from "./digest.ts";
import { digestWith, engines, readWith, type Place } from "./client.ts";
import { expectEverywhere, type Content } from "./compare.ts";
import { column, decimal, instant, listOf, structOf, wallClock, type Row } from "./expected.ts";
import { loadDelta, temporaryFolder } from "./lake.ts";

const key = column("id", "int32", false);
const at = (lake: string, table: string): Place => ({ path: join(lake, table), format: "delta" });

const oddTexts = [
  "plain",
  "with space",
  "100%",
  "%2F",
  "a/b",
  "k=v",
  "ünïcödé",
  "😀",
  "a?b#c&d+e",
  "..",
  "trailing.",
  "quote'\"`",
  "back\\slash",
  "colon:semi;comma,",
  "{brace}[bracket]",
  "line\nfeed",
  "null",
  "__HIVE_DEFAULT_PARTITION__",
  null,
  "",
] as const;

test("partitions by text of any kind, by numbers and by dates", async () => {
  const lake = temporaryFolder();
  const fields = [
    key,
    column("country", "string"),
    column("bucket", "int32"),
    column("on", "date"),
    column("note", "string"),
  ];
  const rows = Array.from({ length: 60 }, (_, i) => ({
    id: i,
    country: oddTexts[i % oddTexts.length],
    bucket: i % 3 === 2 ? null : (i % 2) - 1,
    on: i % 5 === 4 ? null : ["1969-12-31", "0001-01-01", "9999-12-31"][i % 3],
    note: `row ${i}`,
  }));
  const partitionBy = [{ column: "country" }, { column: "bucket" }, { column: "on" }];
  await loadDelta(lake, { parted: { fields, rows, partitionBy } });
  // The protocol cannot tell empty text from null in a partition column.
  const stored = rows.map((row) => ({ ...row, country: row.country === "" ? null : row.country }));
  await expectEverywhere(at(lake, "parted"), { fields, rows: stored });
});

test("partitions by the day, month and hour of an instant, nulls among them", async () => {
  const lake = temporaryFolder();
  const fields = [key, column("at", instant), column("wall", wallClock)];
  const micros = [-1n, 0n, 1_700_000_000_123_456n, null, -62_135_596_799_999_999n, 253_402_300_799_999_999n];
  const rows = Array.from({ length: 60 }, (_, i) => ({
    id: i,
    at: micros[i % 6],
    wall: micros[(i + 2) % 6],
  }));
  await loadDelta(lake, {
    daily: {
      fields,
      rows,
      partitionBy: [
        { column: "at", transform: "day" },
        { column: "at", transform: "hour" },
        { column: "wall", transform: "month" },
      ],
    },
  });
  const partsOf = (
    value: bigint | null | undefined,
  ): { day: string; hour: number; month: number } | undefined => {
    if (value === null || value === undefined) return undefined;
    const date = new Date(Math.floor(Number(value / 1000n) - (value % 1000n < 0n ? 1 : 0)));
    return { day: date.toISOString().slice(0, 10), hour: date.getUTCHours(), month: date.getUTCMonth() + 1 };
  };
  await expectEverywhere(at(lake, "daily"), {
    fields: [...fields, column("at_day", "date"), column("at_hour", "int32"), column("wall_month", "int32")],
    rows: rows.map((row) => ({
      ...row,
      at_day: partsOf(row.at)?.day,
      at_hour: partsOf(row.at)?.hour,
      wall_month: partsOf(row.wall)?.month,
    })),
  });
});

test("partitions by every type that can", async () => {
  const lake = temporaryFolder();
  const values: readonly (readonly [Field, readonly unknown[]])[] = [
    [column("p_long", "int64"), [-(2n ** 63n), 2n ** 63n - 1n, 0n, null]],
    [column("p_tiny", "int8"), [-128, 127, null]],
    [column("p_flag", "boolean"), [true, false, null]],
    [
      column("p_wide", decimal(38, 10)),
      ["9234567890123456789012345678.0000000001", "0.0000000000", "0.0000000001", null],
    ],
    [column("p_money", decimal(9, 2)), ["1234567.89", "100.00", null]],
    [column("p_instant", instant), [-1n, 0n, 1_700_000_000_123_456n, 1_700_000_000_000_000n, null]],
    [column("p_wall", wallClock), [-1n, 0n, 1_700_000_000_123_456n, null]],
    [column("p_double", "float64"), [0.1, -1e-7, 5e-324, 1e21, 3, null]],
  ];
  const fields = [key, ...values.map(([field]) => field)];
  const rows = Array.from({ length: 24 }, (_, i) => ({
    id: i,
    ...Object.fromEntries(values.map(([field, each]) => [field.name, each[i % each.length]])),
  }));
  const partitionBy = values.map(([field]) => ({ column: field.name }));
  await loadDelta(lake, { parted: { fields, rows, partitionBy } });
  await expectEverywhere(at(lake, "parted"), { fields, rows });
});

test("partitions by negative decimals", async () => {
  const lake = temporaryFolder();
  const fields = [key, column("p", decimal(9, 2)), column("q", decimal(38, 10))];
  const rows = [
    { id: 0, p: "-1234567.89", q: "-1234567890123456789012345678.0000000001" },
    { id: 1, p: "-0.01", q: "-0.0000000001" },
    { id: 2, p: null, q: "0.0000000000" },
  ];
  await loadDelta(lake, { parted: { fields, rows, partitionBy: [{ column: "p" }, { column: "q" }] } });
  const place = at(lake, "parted");
  await expectEverywhere(place, { fields, rows }, ["deltars", "spark", "duckdb", "alluvium"]);
  // delta-rs writes such values down wrongly for pyarrow: "-1234567.-89".
  await expect(readWith("pyarrow", place)).rejects.toThrow("is not a valid decimal128 number");
});

/** Four shapes of one table, each with more than the one before: columns, members, members in lists, a column bound late. */
const stages: readonly (readonly Field[])[] = (() => {
  const inner = [column("x", "int32")];
  const first = [
    key,
    column("late", "null"),
    column("s", structOf(...inner)),
    column("l", listOf(structOf(...inner))),
  ];
  const y = [...inner, column("y", structOf(column("z", "string")))];
  const y2 = [...inner, column("y", structOf(column("z", "string"), column("when", instant)))];
  return [
    first,
    [...first, column("added", decimal(12, 2))],
    [
      key,
      column("late", "string"),
      column("s", structOf(...y)),
      column("l", listOf(structOf(...y))),
      column("added", decimal(12, 2)),
    ],
    [
      key,
      column("late", "string"),
      column("s", structOf(...y2)),
      column("l", listOf(structOf(...y2))),
      column("added", decimal(12, 2)),
      column("tags", listOf("string")),
    ],
  ];
})();

function stageRow(stage: number, id: number): Row {
  const y = { x: id, y: id % 3 === 0 ? null : { z: `z${id}`, when: BigInt(id) * 1_000_001n } };
  const s = stage < 2 ? { x: id } : stage === 2 ? { x: id, y: y.y && { z: y.y.z } } : y;
  return {
    id,
    ...(stage > 0 && { added: `${id}.25` }),
    ...(stage > 1 && id % 2 === 0 && { late: `late ${id}` }),
    s: id % 5 === 4 ? null : s,
    l: id % 4 === 3 ? null : id % 4 === 2 ? [] : [s, null, s],
    ...(stage > 2 && { tags: [`t${id}`] }),
  };
}

/** What readers give of the rows of an earlier stage: null for what came later. */
const final = stages.at(-1)!.filter((field) => field.type.kind !== "null");
// A column that was null alone at first is not in the first version's schema: it comes after those that were.
const evolvedFields = ["id", "s", "l", "added", "late", "tags"].map((name) =>
  final.find((field) => field.name === name)!,
);

test("columns added at every level, and a column of nulls that gets its type later", async () => {
  const lake = temporaryFolder();
  const rows: Row[] = [];
  for (const [stage, fields] of stages.entries()) {
    const part = Array.from({ length: 10 }, (_, i) => stageRow(stage, stage * 10 + i));
    await loadDelta(lake, { evolved: { fields, rows: part } });
    rows.push(...part);
  }
  // An older shape after the newer ones: what it lacks is null.
  const old = Array.from({ length: 5 }, (_, i) => stageRow(1, 100 + i));
  await loadDelta(lake, { evolved: { fields: stages[1]!, rows: old } });
  rows.push(...old);
  await expectEverywhere(at(lake, "evolved"), { fields: evolvedFields, rows });
  const first = rows.slice(0, 10);
  await expectEverywhere(
    { ...at(lake, "evolved"), version: 0 },
    { fields: stages[0]!.filter((field) => field.type.kind !== "null"), rows: first },
    ["deltars", "pyarrow", "spark", "alluvium"],
  );
});

test("after a checkpoint, with the older log removed", async () => {
  const lake = temporaryFolder();
  const rows: Row[] = [];
  for (let load = 0; load < 24; load++) {
    const stage = Math.min(3, load >> 2);
    const part = Array.from({ length: 3 }, (_, i) => stageRow(stage, load * 3 + i));
    await loadDelta(lake, { many: { fields: stages[stage]!, rows: part } });
    rows.push(...part);
  }
  const log = join(lake, "many", "_delta_log");
  const checkpoints = readdirSync(log).filter((name) => name.includes(".checkpoint."));
  const newest = Math.max(...checkpoints.map((name) => Number(name.slice(0, 20))));
  expect(newest).toBeGreaterThanOrEqual(20);
  for (const name of readdirSync(log)) {
    const version = Number(/^(\d{20})\./.exec(name)?.[1] ?? Number.NaN);
    if (version < newest) rmSync(join(log, name));
  }
  expect(readdirSync(log).filter((name) => /^\d{20}\.json$/.test(name)).length).toBeLessThan(6);
  await expectEverywhere(at(lake, "many"), { fields: evolvedFields, rows });
  // And it goes on from there.
  const more = [stageRow(3, 1000)];
  await loadDelta(lake, { many: { fields: stages[3]!, rows: more } });
  await expectEverywhere(at(lake, "many"), { fields: evolvedFields, rows: [...rows, ...more] });
});

test("a partitioned table after a checkpoint", async () => {
  const lake = temporaryFolder();
  const fields = [key, column("country", "string"), column("at", instant), column("wall", wallClock)];
  const partitionBy = [
    { column: "country" },
    { column: "at", transform: "day" as const },
    { column: "wall" },
  ];
  const rows: Row[] = [];
  for (let load = 0; load < 12; load++) {
    const part = Array.from({ length: 4 }, (_, i) => {
      const id = load * 4 + i;
      return {
        id,
        country: oddTexts[id % (oddTexts.length - 1)],
        at: id % 7 === 0 ? null : BigInt(id) * 40_000_000_000n + 1n,
        wall: id % 5 === 0 ? null : BigInt(id % 3) * 1_000_001n,
      };
    });
    await loadDelta(lake, { parted: { fields, rows: part, partitionBy } });
    rows.push(...part);
  }
  const log = join(lake, "parted", "_delta_log");
  for (const name of readdirSync(log)) if (/^0{19}\d\./.test(name)) rmSync(join(log, name));
  expect(readdirSync(log)).toContain("00000000000000000010.checkpoint.parquet");
  await expectEverywhere(at(lake, "parted"), {
    fields: [...fields, column("at_day", "date")],
    rows: rows.map((row) => ({
      ...row,
      at_day: row["at"] === null ? null : new Date(Number(row["at"]) / 1000).toISOString().slice(0, 10),
    })),
  });
});

test("replace, by all and by a window", async () => {
  const lake = temporaryFolder();
  const fields = [
    key,
    column("country", "string"),
    column("amount", decimal(20, 2)),
    column("version", "int32"),
  ];
  const ordersOf = (version: number, ids: readonly number[]): Row[] =>
    ids.map((id) => ({ id, country: ["DE", "CH", null][id % 3], amount: `${id}.50`, version }));
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  const partitionBy = [{ column: "country" }];
  const place = at(lake, "orders");
  const load = (rows: Row[], disposition: Disposition): Promise<void> =>
    loadDelta(lake, { orders: { fields, rows, partitionBy, disposition } });

  const first = ordersOf(1, range(0, 60));
  await load(first, { kind: "append" });
  // A whole partition: files go.
  const swiss = ordersOf(2, range(0, 30)).filter((row) => row["country"] === "CH");
  await load(swiss, {
    kind: "replace",
    where: [{ column: "country", op: "=", value: "CH" }],
    allowEmpty: false,
  });
  let rows = [...first.filter((row) => row["country"] !== "CH"), ...swiss];
  await expectEverywhere(place, { fields, rows });
  // A range that cuts files in two: they are written again without it.
  const middle = ordersOf(3, range(20, 25));
  await load(middle, {
    kind: "replace",
    where: [
      { column: "amount", op: ">=", value: "20.5" },
      { column: "amount", op: "<", value: "40.5" },
    ],
    allowEmpty: false,
  });
  const before = rows;
  rows = [...rows.filter((row) => (row["id"] as number) < 20 || (row["id"] as number) >= 40), ...middle];
  await expectEverywhere(place, { fields, rows });
  const last = ordersOf(4, range(500, 510));
  await load(last, { kind: "replace", allowEmpty: false });
  await expectEverywhere(place, { fields, rows: last });
  await expectEverywhere({ ...place, version: 1 }, { fields, rows: before }, [
    "deltars",
    "pyarrow",
    "spark",
    "alluvium",
  ]);
});

test("a table without rows", async () => {
  const lake = temporaryFolder();
  const fields = [key, column("at", wallClock), column("tags", listOf("string"))];
  await loadDelta(lake, { empty: { fields, rows: [] } });
  await expectEverywhere(at(lake, "empty"), { fields, rows: [] });
});

const bigFields = [
  column("id", "int64", false),
  column("text", "string"),
  column("word", "string"),
  column("ratio", "float64"),
  column("total", decimal(15, 2)),
  column("large", decimal(30, 5)),
  column("at", instant),
  column("day", "date"),
  column("flag", "boolean"),
  column("small", "int16"),
];

function bigRows(count: number): Content["rows"] {
  let state = 12_345;
  const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31);
  return Array.from({ length: count }, (_, i) => {
    const n = random();
    return {
      id: BigInt((i * 7919) % count),
      text: n % 13 === 0 ? null : `some longer text ${n.toString(36)} ${(n * 31).toString(16)}`,
      word: ["alpha", "beta", "gamma", null, ""][n % 5],
      ratio: n % 9 === 0 ? null : n / 1e5,
      total: `${(n % 100_000) - 50_000}.${String(n % 100).padStart(2, "0")}`,
      large: n % 4 === 0 ? null : `${n}${n}.${String(n % 100_000).padStart(5, "0")}`,
      at: BigInt(n) * 1_000_003n,
      day: new Date((n % 40_000) * 86_400_000).toISOString().slice(0, 10),
      flag: n % 3 === 0 ? null : n % 2 === 0,
      small: (n % 65_536) - 32_768,
    };
  });
}

/** Expects every engine, and our own reader, to give the same hash of each column. */
async function expectDigests(place: Place, rows: readonly Row[]): Promise<void> {
  const wanted = { rows: rows.length, columns: digestOf(bigFields, rows, "id") };
  const found = await Promise.all(
    engines.map(async (engine) => [engine, await digestWith(engine, place, "id")] as const),
  );
  const own: Row[] = [];
  for await (const batch of (await deltaTable(place.path).snapshot()).scan())
    own.push(...rowsOf(batch, { timestamps: "micros" }));
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(engines.map((engine) => [engine, wanted])));
  expect({ rows: own.length, columns: digestOf(bigFields, own, "id") }).toEqual(wanted);
}

test("many rows in several row groups and pages", async () => {
  const lake = temporaryFolder();
  const rows = bigRows(120_000);
  // The budget bounds what a row group may gather.
  await loadDelta(lake, { big: { fields: bigFields, rows, batchRows: 5_000 } }, { budget: 3 * 1024 * 1024 });
  const [file] = await Array.fromAsync((await deltaTable(join(lake, "big")).snapshot()).files());
  const { rowGroups } = await openParquet(bytesSource(readFileSync(file!.path)));
  expect(rowGroups.length).toBeGreaterThan(2);
  await expectDigests(at(lake, "big"), rows);
});

test("files of every compression, beside each other", async () => {
  const lake = temporaryFolder();
  const rows = bigRows(4_000);
  for (const [i, compression] of (["zstd", "snappy", "gzip", "none"] as const).entries())
    await loadDelta(
      lake,
      { mixed: { fields: bigFields, rows: rows.slice(i * 1_000, (i + 1) * 1_000) } },
      { compression },
    );
  await expectDigests(at(lake, "mixed"), rows);
});
