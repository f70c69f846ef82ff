import { join } from "node:path";
import { test } from "vitest";
import { pipeline, resource, source, type Field } from "@alluvium/core";
import { delta } from "@alluvium/destinations/delta";
import { expectEverywhere } from "./compare.ts";
import { column, decimal, instant, listOf, mapOf, structOf, wallClock, type Row } from "./expected.ts";
import { loadDelta, temporaryFolder } from "./lake.ts";

const at = (text: string, micros = 0): bigint => BigInt(Date.parse(text)) * 1000n + BigInt(micros);
const instants = [
  at("0001-01-01T00:00:00Z"),
  at("0001-01-01T00:00:00Z", 1),
  at("1582-10-04T23:59:59Z", 999_999),
  at("1582-10-15T00:00:00Z"),
  at("1677-09-21T00:12:43Z", 145_224),
  at("1900-02-28T12:00:00Z"),
  -1n,
  0n,
  1n,
  at("2024-02-29T23:59:59.999Z", 999),
  at("2262-04-11T23:47:16Z", 854_776),
  at("9999-12-31T23:59:59.999Z", 999),
];

/** Columns with the values that are most easily got wrong. */
const extremes: readonly (readonly [Field, readonly unknown[]])[] = [
  [column("flag", "boolean"), [true, false]],
  [column("tiny", "int8"), [-128, -1, 0, 127]],
  [column("small", "int16"), [-32_768, 32_767, 0]],
  [column("whole", "int32"), [-(2 ** 31), 2 ** 31 - 1, 0, -1]],
  [column("long", "int64"), [-(2n ** 63n), 2n ** 63n - 1n, 0n, 2n ** 53n + 1n, -(2n ** 53n) - 1n]],
  [
    column("single", "float32"),
    [Number.NaN, -0, 0, Infinity, -Infinity, 1.401298464324817e-45, 3.4028234663852886e38, 0.1, 16_777_217],
  ],
  [
    column("double", "float64"),
    [Number.NaN, -0, 0, Infinity, -Infinity, 5e-324, 2.2250738585072014e-308, Number.MAX_VALUE, 0.1, -1e-300],
  ],
  [
    column("text", "string"),
    [
      "",
      " ",
      "plain",
      "ünïcödé",
      "😀𝔘🏳️‍🌈",
      "a\u0000b",
      "line\nfeed\ttab",
      `quotes "'\\`,
      "\ufeffmark",
      "\uffff\u{10ffff}",
      "x".repeat(100_000),
    ],
  ],
  [
    column("bytes", "binary"),
    [new Uint8Array(), new Uint8Array([0]), new Uint8Array([255, 254, 0, 1]), new Uint8Array(5000).fill(7)],
  ],
  [
    column("day", "date"),
    [
      "0001-01-01",
      "1582-10-04",
      "1582-10-15",
      "1899-12-31",
      "1969-12-31",
      "1970-01-01",
      "2024-02-29",
      "9999-12-31",
    ],
  ],
  [column("instant", instant), instants],
  [column("wall", wallClock), instants],
  [column("clock", "time"), ["00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.789"]],
  [column("ident", "uuid"), ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff"]],
  [column("money", decimal(15, 2)), ["9999999999999.99", "-9999999999999.99", "0.01", "0.00"]],
];

/** Every value of every column, each column going round at its own pace, with nulls now and then. */
function cycled(columns: typeof extremes, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const row: Record<string, unknown> = { id: i };
    for (const [{ name, nullable }, values] of columns) {
      const at = i % (values.length + (nullable ? 1 : 0));
      row[name] = at === values.length ? null : values[at];
    }
    return row;
  });
}

const key = column("id", "int32", false);

test("every type with its extremes, nullable and not", async () => {
  const lake = temporaryFolder();
  const required: typeof extremes = extremes.map(([field, values]) => [
    { ...field, name: `${field.name}_required`, nullable: false },
    values,
  ]);
  const json = [column("doc", "json"), [1.5, { a: [1, null, "x"] }, "text", []]] as const;
  const columns = [...extremes, ...required];
  const fields = [key, ...columns.map(([field]) => field)];
  const rows = cycled(columns, 150);
  await loadDelta(lake, {
    types: { fields: [...fields, json[0]], rows: rows.map((row, i) => ({ ...row, doc: json[1][i % 5] })) },
  });
  await expectEverywhere(
    { path: join(lake, "types"), format: "delta" },
    {
      fields: [...fields, json[0]],
      // JSON is kept as the text that it is.
      rows: rows.map((row, i) => ({
        ...row,
        doc: json[1][i % 5] === undefined ? null : JSON.stringify(json[1][i % 5]),
      })),
    },
  );
});

test("decimals of every precision", async () => {
  const lake = temporaryFolder();
  const columns = Array.from({ length: 38 }, (_, i): (typeof extremes)[number] => {
    const precision = i + 1;
    const scale = [0, precision, precision >> 1][i % 3]!;
    const point = (digits: string): string => {
      const padded = digits.padStart(scale + 1, "0");
      return scale === 0 ? padded : `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
    };
    const nines = point("9".repeat(precision));
    const values = [
      nines,
      `-${nines}`,
      point("1"),
      `-${point("1")}`,
      point("0"),
      point("1".padEnd(precision, "0")),
    ];
    return [column(`d${precision}`, decimal(precision, scale)), values];
  });
  const fields = [key, ...columns.map(([field]) => field)];
  const rows = cycled(columns, 30);
  await loadDelta(lake, { decimals: { fields, rows } });
  await expectEverywhere({ path: join(lake, "decimals"), format: "delta" }, { fields, rows });
});

test("columns of nulls, and nulls in every pattern", async () => {
  const lake = temporaryFolder();
  const nullable = extremes.map(([field]) => ({ ...field, name: `${field.name}_null` }));
  const patterns: Readonly<Record<string, (i: number, count: number) => boolean>> = {
    first: (i) => i === 0,
    last: (i, count) => i === count - 1,
    only_first: (i) => i !== 0,
    only_last: (i, count) => i !== count - 1,
    every_other: (i) => i % 2 === 0,
    runs: (i) => (i >> 6) % 2 === 0,
    eighths: (i) => i % 8 === 7,
    half: (i, count) => i > count / 2,
  };
  const count = 20_003;
  const fields = [
    key,
    ...nullable,
    ...Object.keys(patterns).flatMap((name) => [
      column(`${name}_int`, "int64"),
      column(`${name}_text`, "string"),
      column(`${name}_flag`, "boolean"),
    ]),
  ];
  const rows = Array.from({ length: count }, (_, i) => {
    const row: Record<string, unknown> = { id: i };
    for (const [name, isNull] of Object.entries(patterns)) {
      if (isNull(i, count)) continue;
      row[`${name}_int`] = BigInt(i) * 3n;
      row[`${name}_text`] = `t${i % 1000}`;
      row[`${name}_flag`] = i % 3 === 0;
    }
    return row;
  });
  await loadDelta(lake, { nulls: { fields, rows } });
  await expectEverywhere({ path: join(lake, "nulls"), format: "delta" }, { fields, rows });
});

test("nested columns: structs in lists in maps, empty and null at every level", async () => {
  const lake = temporaryFolder();
  const item = structOf(
    column("sku", "string"),
    column("price", decimal(20, 4)),
    column("at", instant),
    column("tags", listOf("string")),
  );
  const fields = [
    key,
    column("numbers", listOf("int64")),
    column("solid", listOf("float64", false)),
    column("matrix", listOf(listOf("int32"))),
    column("items", listOf(item)),
    column(
      "person",
      structOf(
        column("name", "string"),
        column("address", structOf(column("city", "string"), column("zip", "int32"))),
      ),
    ),
    column("attributes", mapOf("string", "string")),
    column("counts", mapOf("int32", "int64")),
    column("deep", mapOf("string", listOf(structOf(column("a", "int32"), column("b", listOf("date")))))),
    column("keyed", mapOf("date", structOf(column("x", decimal(38, 0)), column("y", "binary")))),
  ];
  const values: Readonly<Record<string, readonly unknown[]>> = {
    numbers: [[1n, null, 3n], [], null, [null], [2n ** 62n], [null, null]],
    solid: [[1.5, -0], null, [], [Number.NaN]],
    matrix: [[[1, 2], null, [], [null]], [], null, [[]], [null]],
    items: [
      [
        { sku: "a", price: "1234567890123456.7890", at: -1n, tags: ["x", null, ""] },
        null,
        { sku: null, price: null, at: null, tags: null },
      ],
      [],
      null,
      [null],
      [{ sku: "b", price: "-0.0001", at: 1_700_000_000_123_456n, tags: [] }],
    ],
    person: [
      { name: "Ada", address: { city: "Zürich", zip: 8000 } },
      { name: null, address: null },
      null,
      { name: "Bob", address: { city: null, zip: null } },
    ],
    attributes: [
      new Map([
        ["k", "v"],
        ["n", null],
      ]),
      new Map(),
      null,
      new Map([["😀", ""]]),
    ],
    counts: [
      new Map([
        [1, 10n],
        [-1, null],
      ]),
      null,
      new Map(),
    ],
    deep: [
      new Map<string, unknown>([
        ["one", [{ a: 1, b: ["2024-02-29", null] }, null]],
        ["none", null],
        ["empty", []],
      ]),
      null,
      new Map(),
      new Map([
        [
          "x",
          [
            { a: null, b: null },
            { a: 2, b: [] },
          ],
        ],
      ]),
    ],
    keyed: [
      new Map([["2024-01-01", { x: "99999999999999999999999999999999999999", y: new Uint8Array([1]) }]]),
      null,
      new Map([["1969-12-31", null]]),
      new Map(),
    ],
  };
  const rows = Array.from({ length: 4_000 }, (_, i) => {
    const row: Record<string, unknown> = { id: i };
    for (const [name, choices] of Object.entries(values))
      row[name] = choices[(i * 7 + (i >> 5)) % choices.length];
    return row;
  });
  await loadDelta(lake, { nested: { fields, rows, batchRows: 1_000 } });
  await expectEverywhere({ path: join(lake, "nested"), format: "delta" }, { fields, rows });
});

test("three hundred columns", async () => {
  const lake = temporaryFolder();
  const kinds = ["int64", "string", "float64", "boolean", "date", "int32"] as const;
  const fields = [key, ...Array.from({ length: 300 }, (_, i) => column(`c${i}`, kinds[i % kinds.length]!))];
  const values = {
    int64: (i: number): unknown => BigInt(i) ** 4n,
    string: (i: number): unknown => `value ${i % 17}`,
    float64: (i: number): unknown => i / 7,
    boolean: (i: number): unknown => i % 3 === 0,
    date: (i: number): unknown => new Date(i * 86_400_000).toISOString().slice(0, 10),
    int32: (i: number): unknown => -i,
  };
  const rows = Array.from({ length: 40 }, (_, row) =>
    Object.fromEntries(
      fields.map(({ name }, i) => [
        name,
        i === 0 ? row : (row + i) % 11 === 0 ? null : values[kinds[(i - 1) % kinds.length]!](row * i),
      ]),
    ),
  );
  await loadDelta(lake, { wide: { fields, rows } });
  await expectEverywhere({ path: join(lake, "wide"), format: "delta" }, { fields, rows });
});

test("rows of user code, with types that follow the values, and the id of the load", async () => {
  const lake = temporaryFolder();
  const rows = [
    {
      id: 1,
      orderNo: 7n,
      total: 1.5,
      open: true,
      at: new Date("2024-05-01T10:00:00.123Z"),
      lines: [{ sku: "a", qty: 2 }],
      note: null,
    },
    { id: 2, orderNo: null, total: 3, open: false, at: null, lines: [], note: null },
    { id: 3, orderNo: 2n ** 63n - 1n, total: null, open: null, at: new Date(-1), lines: null, note: "late" },
  ];
  const orders = resource({
    name: "orders",
    columns: { id: { type: "int32", nullable: false } },
    *read() {
      yield rows;
    },
  });
  const shop = source("shop", () => [orders]);
  const report = await pipeline({ name: "shop", source: shop(), destination: delta({ url: lake }) }).run();
  const loadId = report.loads[0]!.loadId;
  await expectEverywhere(
    { path: join(lake, "orders"), format: "delta" },
    {
      fields: [
        key,
        // Columns whose types follow the values come after those that are known from the start.
        column("_alv_load_id", "string"),
        column("order_no", "int64"),
        column("total", "float64"),
        column("open", "boolean"),
        column("at", instant),
        column("lines", listOf(structOf(column("sku", "string"), column("qty", "int64")))),
        column("note", "string"),
      ],
      rows: rows.map(({ orderNo, ...row }) => ({ ...row, order_no: orderNo, _alv_load_id: loadId })),
    },
  );
});
