import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAppender, type AppenderOptions } from "../../src/columns/append.ts";
import { parseJson } from "../../src/columns/parse-exact.ts";
import { rowsOf } from "../../src/columns/rows.ts";
import { describeType } from "../../src/schema/describe.ts";

/** The type and the values of a column that `values` are appended to, one a row. */
function column(values: readonly unknown[], options: AppenderOptions = {}): [string, unknown[]] {
  const appender = createAppender(options);
  for (const x of values) appender.append({ x });
  const batch = appender.finish();
  const { type } = batch.schema.fields[0]!;
  const mixed = type.kind === "json" && type.mixed !== undefined ? ` of ${describeType(type.mixed)}` : "";
  return [describeType(type) + mixed, rowsOf(batch).map((row) => row["x"])];
}

const all = { dates: true, timestamps: true, uuids: true } as const;
const uuid = "0198c000-0000-7000-8000-000000000001";

describe("text that says what it is", () => {
  test.each<[unknown[], string, unknown[]]>([
    [["2024-02-29", null, "0001-01-01"], "date", ["2024-02-29", null, "0001-01-01"]],
    [
      ["2024-02-29T12:30:00Z", "2024-02-29 12:30:00.123+01:00", new Date(5)],
      "timestamp(utc)",
      [new Date("2024-02-29T12:30:00Z"), new Date("2024-02-29T11:30:00.123Z"), new Date(5)],
    ],
    [["2024-02-29T12:30:00"], "timestamp(local)", [new Date("2024-02-29T12:30:00Z")]],
    [[uuid, uuid.toUpperCase()], "uuid", [uuid, uuid]],
    [[["2024-02-29"], [null]], "list<date>", [["2024-02-29"], [null]]],
  ])("%j is %s", (values, type, expected) => {
    expect(column(values, { infer: all })).toEqual([type, expected]);
    const texts = values.filter((value) => typeof value === "string");
    expect(column(["", ...texts])).toEqual(["string", ["", ...texts]]);
  });

  test.each([
    "2023-02-29",
    "2024-2-9",
    "20240229",
    "2024-02-29T12:30Z",
    "2024-02-29T12:30:00.1234567Z",
    "2024-02-29T25:00:00Z",
    " 2024-02-29",
    "12:30:00",
    uuid.replaceAll("-", ""),
    `{${uuid}}`,
    "1",
    "1.5",
    "true",
    "1709164800",
    "",
  ])("%j is text", (text) => {
    expect(column([text], { infer: all })).toEqual(["string", [text]]);
  });

  test("each kind has its own switch", () => {
    for (const [text, kind] of [
      ["2024-02-29", "dates"],
      ["2024-02-29T12:30:00Z", "timestamps"],
      [uuid, "uuids"],
    ] as const) {
      expect(column([text], { infer: { [kind]: true } })[0]).not.toBe("string");
      expect(column([text], { infer: { ...all, [kind]: false } })[0]).toBe("string");
    }
  });

  test("what says something else is of another kind", () => {
    expect(column(["2024-02-29", "soon"], { infer: all })).toEqual(["json of date", ["2024-02-29", "soon"]]);
    expect(column(["2024-02-29", "2024-02-29T00:00:00Z"], { infer: all })[0]).toBe("json of date");
    expect(column(["2024-02-29T00:00:00Z", "2024-02-29T00:00:00"], { infer: all })[0]).toBe(
      "json of timestamp(utc)",
    );
    expect(column(["2024-02-29T00:00:00", new Date(0)], { infer: all })[0]).toBe("json of timestamp(local)");
    expect(column(["soon", "2024-02-29"], { infer: all })).toEqual(["string", ["soon", "2024-02-29"]]);
    expect(column([new Date(0), "2024-02-29T00:00:00Z"])[0]).toBe("json of timestamp(utc)");
  });
});

test("types by patterns of names", () => {
  const columnPatterns = [
    [/_at$/, { type: "timestamp" }],
    [/^total_/, { type: "decimal", precision: 18, scale: 2 }],
    [/^total_at$|^id$/g, { type: "string" }],
  ] as const;
  const appender = createAppender({ columnPatterns, columns: { seen_at: { type: "string" } } });
  const inner = { made_at: "2024-02-29T00:00:00Z" };
  for (const id of [1, 2])
    appender.append({
      made_at: "2024-02-29T00:00:00Z",
      total_net: "1.5",
      id,
      total_at: 1n,
      seen_at: "x",
      inner,
    });
  const { schema } = appender.finish();
  expect(schema.fields.map(({ name, type }) => `${name} ${describeType(type)}`)).toEqual([
    "seen_at string",
    "made_at timestamp(utc)",
    "total_net decimal(18,2)",
    "id string",
    "total_at timestamp(utc)",
    "inner struct<made_at: string>",
  ]);
  expect(() => appender.append({ made_at: "soon" })).toThrow(
    /"made_at": "soon" has no exact form as timestamp/,
  );
  expect(() => createAppender({ columnPatterns: [[/x/, { type: "money" as "int8" }]] })).toThrow(
    /pattern x.*money/,
  );
});

describe("numbers of JSON text", () => {
  test.each<[string, string, string]>([
    ["9007199254740993", "int64", "9007199254740993"],
    ["-0.12345678901234567890", "decimal(38,20)", "-0.12345678901234567890"],
    ["123456789012345678901234567890", "decimal(38,0)", "123456789012345678901234567890"],
    ["19.99", "float64", "19.99"],
    ["1e5", "int64", "100000"],
    ["0.10000000000000000", "float64", "0.1"],
    ["1e400", "json", "Infinity"],
  ])("%s is %s", (text, type, expected) => {
    const value = parseJson(text);
    expect(column([value])[0]).toBe(type);
    expect(String(column([value])[1][0])).toBe(expected);
    const json = createAppender({ columns: { x: { type: "json" } } });
    json.append({ x: [value] });
    const [vector] = json.finish().columns;
    const written =
      vector!.layout === "bytes" ? Buffer.from(vector!.data).toString().replaceAll("\0", "") : "";
    expect(Number(written.slice(1, -1))).toBe(Number(text));
  });

  test("go into what holds them, and beside what does not", () => {
    const raw = parseJson("0.12345678901234567890");
    const hint = { x: { type: "decimal", precision: 38, scale: 20 } } as const;
    expect(column([raw], { columns: hint })).toEqual(["decimal(38,20)", ["0.12345678901234567890"]]);
    expect(column([raw], { columns: { x: { type: "string" } } })[1]).toEqual(["0.12345678901234567890"]);
    expect(() => column([raw], { columns: { x: { type: "float64" } } })).toThrow(/no exact form as float64/);
    expect(column([0.5, raw])[0]).toBe("json of float64");
    expect(column([{ a: 1 }, raw])[0]).toBe("json of struct<a: int64>");
    expect(column([raw, parseJson("0.123456789012345678901")])[0]).toBe("json of decimal(38,20)");
  });

  test("everything else is as by JSON.parse", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain = JSON.stringify(JSON.parse(text));
        expect(
          JSON.parse(JSON.stringify(parseJson(text), (_, v) => (typeof v === "bigint" ? Number(v) : v))),
        ).toEqual(JSON.parse(plain));
      }),
    );
    expect(() => parseJson("{")).toThrow(SyntaxError);
  });
});
