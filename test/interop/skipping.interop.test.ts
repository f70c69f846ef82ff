import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rowsOf } from "@alluvium/core/columns";
import type { ColumnType, Condition, Field } from "@alluvium/core";
import { deltaTable } from "@alluvium/destinations/delta";
import { engines, filterWith, queryWith, type Comparison, type Engine, type Place } from "./client.ts";
import {
  cellOf,
  column,
  decimal,
  instant,
  structOf,
  typeText,
  wallClock,
  type Cell,
  type Row,
} from "./expected.ts";
import { compared, sqlText, type FloatOrder } from "./order.ts";
import { loadDelta, temporaryFolder } from "./lake.ts";

// Rivals lose rows by bounds that went through a double, were cut without being rounded up, or hold NaN. Here every file holds two
// neighbouring values, so that each value is the bound of some file.

const prefix = "p".repeat(32);
// None in the ten days that the Gregorian calendar left out: Spark pushes comparisons with these into Parquet a day or more off.
const instants = [
  -62_135_596_800_000_000n,
  -62_135_596_799_999_999n,
  -12_220_156_800_000_001n,
  -1_001n,
  -1n,
  0n,
  1_700_000_000_123_000n,
  1_700_000_000_123_001n,
  1_700_000_000_123_999n,
  253_402_300_799_999_998n,
  253_402_300_799_999_999n,
];

/** Columns with values in ascending order. */
const columns: readonly (readonly [Field, readonly unknown[]])[] = [
  [
    column("v_long", "int64"),
    [
      -(2n ** 63n),
      -(2n ** 53n) - 1n,
      -(2n ** 53n),
      0n,
      2n ** 53n,
      2n ** 53n + 1n,
      2n ** 63n - 2n,
      2n ** 63n - 1n,
    ],
  ],
  [column("v_tiny", "int8"), [-128, -127, 0, 126, 127]],
  [
    column("v_dec18", decimal(18, 2)),
    [
      "-9999999999999999.99",
      "-9999999999999999.98",
      "-0.01",
      "0.00",
      "9007199254740993.01",
      "9007199254740993.02",
      "9999999999999999.99",
    ],
  ],
  [
    column("v_dec38", decimal(38, 10)),
    [
      "-9999999999999999999999999999.9999999999",
      "-12345678901234567890.0000000002",
      "-12345678901234567890.0000000001",
      "-12345678901234567890.0000000000",
      "0.0000000001",
      "12345678901234567890.0000000001",
      "9999999999999999999999999999.9999999999",
    ],
  ],
  [
    column("v_text", "string"),
    [
      "",
      "a",
      `${prefix}`,
      `${prefix}a`,
      `${prefix}b`,
      `${prefix}\u{10ffff}`,
      `${"ü".repeat(32)}x`,
      `${"ü".repeat(32)}y`,
      `${"\u{1f600}".repeat(32)}z`,
      `${"\u{10ffff}".repeat(33)}`,
    ],
  ],
  // U+FFFF comes before U+10000 in bytes, after it in UTF-16.
  [column("v_order", "string"), ["\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"]],
  [column("v_at", instant), instants],
  [column("v_wall", wallClock), instants],
  [
    column("v_day", "date"),
    ["0001-01-01", "1582-10-04", "1582-10-15", "1969-12-31", "1970-01-01", "9999-12-31"],
  ],
  [
    column("v_double", "float64"),
    [-Infinity, -1.5, -5e-324, -0, 0, 5e-324, 0.1, Number.MAX_VALUE, Infinity, Number.NaN],
  ],
  [
    column("v_single", "float32"),
    [-Infinity, -1.5, -0, 0, 0.10000000149011612, 3.4028234663852886e38, Infinity, Number.NaN],
  ],
  [column("v_flag", "boolean"), [false, true]],
  [column("v_sparse", "int32"), [1, 2, 3]],
  [column("s", structOf(column("x", "int64"), column("t", instant))), []],
];

const members: readonly (readonly [path: string, type: ColumnType, values: readonly unknown[]])[] = [
  ["s.x", { kind: "int64" }, [2n ** 53n, 2n ** 53n + 1n]],
  ["s.t", instant, [1_700_000_000_123_001n, 1_700_000_000_123_999n]],
];

const fields = [
  column("id", "int32", false),
  column("file", "int32", false),
  ...columns.map(([field]) => field),
];
const FILES = 12;

/** Values that JSON or the format of statistics has no bound for. */
function unbounded({ kind }: ColumnType, value: unknown): boolean {
  if (kind === "float32" || kind === "float64") return !Number.isFinite(value);
  if (kind === "timestamp") return (value as bigint) > 253_402_300_799_999_000n;
  return typeof value === "string" && value.startsWith("\u{10ffff}".repeat(2));
}

/** Rows of file `file`: neighbours of each column's values, a third row of nulls in some, one column null in whole files. */
function rowsIn(file: number, tame: boolean): Row[] {
  return [0, 1, 2].map((i) => {
    const row: Record<string, unknown> = { id: file * 3 + i, file };
    for (const [{ name, type }, all] of columns) {
      const values = tame ? all.filter((value) => !unbounded(type, value)) : all;
      if (name === "s")
        row[name] =
          file % 4 === 3
            ? null
            : { x: 2n ** 53n + BigInt((file + i) % 3), t: instants[6 + ((file + i) % 3)] };
      else if (name === "v_sparse") row[name] = file % 2 === 0 ? null : values[(file + i) % values.length];
      else row[name] = i === 2 && file % 3 === 0 ? null : values[(file + (i % 2)) % values.length];
    }
    return row;
  });
}
const rows = Array.from({ length: FILES }, (_, file) => rowsIn(file, false)).flat();
const tameRows = Array.from({ length: FILES }, (_, file) => rowsIn(file, true)).flat();

function valueAt(row: Row, path: string): unknown {
  const [first, second] = path.split(".") as [string, string?];
  const value = row[first] ?? null;
  return second === undefined || value === null ? value : (value as Row)[second];
}

interface Case extends Comparison {
  readonly wanted: unknown;
  readonly columnType: ColumnType;
}

const cases: readonly Case[] = [
  ...columns
    .filter(([{ name }]) => name !== "s")
    .map(([{ name, type }, values]) => [name, type, values] as const),
  ...members,
].flatMap(([name, type, values]) =>
  values.flatMap((wanted, i) =>
    (i % 2 === 0 ? (["=", ">"] as const) : (["=", "<="] as const)).map((op): Case => ({
      column: name,
      op,
      type: typeText(type),
      value: sqlText(type, wanted),
      wanted,
      columnType: type,
    })),
  ),
);

/** How an engine compares floats. */
const floatOrders: Readonly<Record<Engine | "alluvium", FloatOrder>> = {
  spark: "sql",
  duckdb: "sql",
  alluvium: "sql",
  deltars: "sql",
  pyarrow: "ieee",
};

function expectedIds(
  { column: path, op, wanted, columnType }: Case,
  order: FloatOrder,
  among: readonly Row[] = rows,
): number[] {
  return among
    .filter((row) => {
      const value = valueAt(row, path);
      return value !== null && compared(columnType, value, op, wanted, order);
    })
    .map((row) => row["id"] as number);
}

const label = ({ column: name, op, value }: Comparison): string => `${name} ${op} ${value.slice(0, 60)}`;

async function ownIds(place: Place, { column: name, op, wanted }: Case): Promise<number[]> {
  const found: number[] = [];
  const where: Condition[] = [{ column: name, op, value: wanted }];
  for await (const batch of (await deltaTable(place.path).snapshot()).scan({ columns: ["id"], where }))
    found.push(...rowsOf<{ id: number }>(batch).map(({ id }) => id));
  return found;
}

const numeric = (found: readonly number[]): number[] => [...found].sort((a, b) => a - b);

async function write(loads: number, all = rows): Promise<Place> {
  const lake = temporaryFolder();
  const size = all.length / loads;
  for (let load = 0; load < loads; load++)
    await loadDelta(lake, {
      bounds: { fields, rows: all.slice(load * size, (load + 1) * size), partitionBy: [{ column: "file" }] },
    });
  return { path: join(lake, "bounds"), format: "delta" };
}

async function expectFilters(place: Place, engine: Engine, among = rows, part?: 0 | 1): Promise<void> {
  const asking = cases.filter(
    // pyarrow makes something of `x <= NaN` and bounds that no comparison has a meaning for.
    ({ wanted }, i) =>
      (part === undefined || i % 3 === part) && !(engine === "pyarrow" && Number.isNaN(wanted)),
  );
  const asked = asking.map(({ column: name, op, type, value }) => ({ column: name, op, type, value }));
  const results = await filterWith(engine, place, asked, ["id"]);
  const found = results.map((result, i) => [
    label(asking[i]!),
    "error" in result ? result.error : numeric(result.rows.map(([id]) => Number(id))),
  ]);
  const wanted = asking.map((each) => [label(each), expectedIds(each, floatOrders[engine], among)]);
  const wrong = found.flatMap((each, i) =>
    JSON.stringify(each) === JSON.stringify(wanted[i]) ? [] : [{ found: each, wanted: wanted[i]![1] }],
  );
  expect({ engine, wrong }).toEqual({ engine, wrong: [] });
}

// Spark takes a good part of a second for each comparison: it is asked about a third of them with either kind of log.
//
// delta-rs takes a bound that a file lacks for null, and its dataset for pyarrow then leaves the file out, whoever wrote it. So pyarrow is
// asked about files that have all bounds.
const sql = engines.filter((engine) => engine !== "pyarrow");

describe("files are skipped by bounds without losing a row", () => {
  test("which every reader takes from a log of JSON", async () => {
    const place = await write(1);
    for (const engine of sql) await expectFilters(place, engine, rows, engine === "spark" ? 0 : undefined);
    for (const each of cases.filter(({ column: name }) => !name.includes(".")))
      expect([label(each), numeric(await ownIds(place, each))]).toEqual([
        label(each),
        expectedIds(each, floatOrders.alluvium),
      ]);
  });

  test("or from a checkpoint", async () => {
    const place = await write(FILES);
    for (const engine of sql) await expectFilters(place, engine, rows, engine === "spark" ? 1 : undefined);
    await expectFilters(await write(FILES, tameRows), "pyarrow", tameRows);
  });

  test("by delta-rs' dataset for pyarrow, where no bound is missing", async () => {
    await expectFilters(await write(1, tameRows), "pyarrow", tameRows);
    const place = await write(1);
    const [none] = await filterWith(
      "pyarrow",
      place,
      [{ column: "v_double", op: "=", type: "float64", value: "Infinity" }],
      ["id"],
    );
    expect(none).toEqual({ rows: [] });
  });

  test("and really are: our own reader opens few", async () => {
    const place = await write(1);
    const snapshot = await deltaTable(place.path).snapshot();
    const counts: Record<string, number> = {};
    for (const each of cases.filter(
      ({ op, column: name }) =>
        op === "=" && !name.includes(".") && !/double|single|flag|text|sparse/.test(name),
    )) {
      const where: Condition[] = [{ column: each.column, op: "=", value: each.wanted }];
      counts[label(each)] = (await Array.fromAsync(snapshot.files({ where }))).length;
    }
    for (const count of Object.values(counts)) expect(count).toBeLessThan(FILES);
  });
});

test("smallest, greatest and count, which Spark and DuckDB may take from the log alone", async () => {
  const place = await write(1);
  const kinds = new Set(["int8", "int64", "decimal", "date", "timestamp", "int32", "string"]);
  const tested = columns.filter(([{ type }]) => kinds.has(type.kind));
  const wanted: Cell[] = [String(rows.length)];
  const selected = ["count(*)"];
  for (const [{ name, type }] of tested) {
    const present = rows.map((row) => row[name]).filter((value) => value !== null);
    const sorted = [...present].sort((a, b) =>
      compared(type, a, "<", b, "sql") ? -1 : compared(type, a, ">", b, "sql") ? 1 : 0,
    );
    wanted.push(cellOf(type, sorted[0]), cellOf(type, sorted.at(-1)), String(present.length));
    selected.push(`min(${name})`, `max(${name})`, `count(${name})`);
  }
  for (const engine of ["spark", "duckdb", "deltars"] as const)
    expect([engine, ...(await queryWith(engine, place, selected.join(", ")))]).toEqual([engine, wanted]);
  // One aggregate alone is what Spark answers from statistics without a job.
  for (const [i, [{ name }]] of tested.entries())
    expect([name, await queryWith("spark", place, `min(${name}), max(${name})`)]).toEqual([
      name,
      [wanted.slice(1 + i * 3, 3 + i * 3)],
    ]);
});
