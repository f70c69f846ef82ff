import { parseJson, createAppender, rowsOf } from "@alluvium/core/columns";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { jsonLines, type JsonLinesOptions } from "../../../src/files/json/index.ts";
import { contentOf } from "../content-of.ts";
import { decoded, decoderOf, gathered, itemsOf } from "../decoded.ts";

vi.setConfig({ testTimeout: 120_000 });

const read = async (
  text: string | Uint8Array,
  options: JsonLinesOptions = {},
  table: Parameters<typeof decoderOf>[1] = {},
): ReturnType<typeof decoded> =>
  await decoded(jsonLines(options), contentOf(text, { path: "a.jsonl", chunk: 11 }), table);

/** Values as JSON says them, whatever type their column has: for comparing what core makes of the same rows in other batches. */
const said = (rows: readonly object[]): unknown[] =>
  rows.map((row) =>
    JSON.parse(
      JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
    ),
  );

/** The rows by way of objects alone. */
function plainRows(text: string, options: Parameters<typeof createAppender>[0] = {}): object[] {
  const appender = createAppender(options);
  for (const line of text.split("\n")) if (line.trim() !== "") appender.append(parseJson(line) as object);
  return rowsOf(appender.finish(), { timestamps: "micros" });
}

describe("lines", () => {
  test("are rows, whatever ends them; empty ones are passed over", async () => {
    const { rows, lines } = await read('\uFEFF{"a":1,"b":"x"}\r\n\r\n  {"b":"y","a":2}  \n\n{"a":null}');
    expect(rows).toEqual([
      { a: 1n, b: "x" },
      { a: 2n, b: "y" },
      { a: null, b: null },
    ]);
    expect(lines).toEqual([1, 3, 5]);
  });

  test("numbers are exact, lists and objects stay", async () => {
    const { rows } = await read(
      '{"i":9007199254740993,"d":0.1234567890123456789,"l":[1,2],"o":{"a":{"b":true}}}\n',
    );
    expect(rows).toEqual([
      { i: 9007199254740993n, d: "0.1234567890123456789", l: [1n, 2n], o: { a: { b: true } } },
    ]);
  });

  test("that are no objects, no JSON or no text are refused", async () => {
    const { rows, refused, lines } = await read(
      Buffer.concat([
        Buffer.from('{"a":1}\n[1]\n{"a":\n"x"\n{"a":2}\n{"a":"'),
        Buffer.of(0xff),
        Buffer.from('"}\nnull\n{"a":3}'),
      ]),
    );
    expect(rows).toEqual([{ a: 1n }, { a: 2n }, { a: 3n }]);
    expect(lines).toEqual([1, 5, 8]);
    expect(refused.map(({ rule, position, row }) => [rule, position, row])).toEqual([
      ["format", { line: 2 }, '{"line":"[1]"}'],
      ["format", { line: 3 }, '{"line":"{\\"a\\":"}'],
      ["format", { line: 4 }, '{"line":"\\"x\\""}'],
      ["encoding", { line: 6 }, '{"line":"{\\"a\\":\\"\uFFFD\\"}"}'],
      ["format", { line: 7 }, '{"line":"null"}'],
    ]);
    expect(refused[0]!.message).toMatch(/^a\.jsonl, line 2: is no object: \[ 1 \]: .*contract/);
    expect(refused[1]!.message).toMatch(/^a\.jsonl, line 3: is no JSON: .*contract/);
  });

  test("a value that a declared column does not hold refuses its row", async () => {
    const { rows, refused } = await read(
      '{"a":1,"b":"2026-01-01"}\n{"a":"x","b":null}\n{"a":2,"b":"soon"}\n',
      undefined,
      {
        columns: { a: { type: "int32" }, b: { type: "date" } },
      },
    );
    expect(rows).toEqual([{ a: 1, b: "2026-01-01" }]);
    expect(refused.map(({ column, row, position }) => [column, row, position])).toEqual([
      ["a", '{"a":"x","b":null}', { line: 2 }],
      ["b", '{"a":2,"b":"soon"}', { line: 3 }],
    ]);
    expect(refused[0]!.message).toMatch(/^a\.jsonl, line 2, column "a": "x" has no exact form as int32/);
  });

  test("a number that a declared column does not hold is named by its digits", async () => {
    const { refused } = await read('{"a":1e400}\n{"a":0.1234567890123456789}\n', undefined, {
      columns: { a: { type: "float64" } },
    });
    expect(refused.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^a\.jsonl, line 1, column "a": 1e400 has no exact form as float64/),
      expect.stringMatching(/, column "a": 0\.1234567890123456789 has no exact form as float64/),
    ]);
  });

  test("text is text, unless infer says more", async () => {
    const text = '{"d":"2026-02-28","t":"2026-02-28T10:00:00Z"}\n'.repeat(500);
    expect((await read(text)).rows[499]).toEqual({ d: "2026-02-28", t: "2026-02-28T10:00:00Z" });
    const { rows, schema } = await read(text, { infer: { dates: true, timestamps: true } });
    expect(schema!.fields.map(({ type }) => type.kind)).toEqual(["date", "timestamp"]);
    expect(rows[499]).toEqual({ d: "2026-02-28", t: 1772272800000000n });
  });

  test("UTF-16", async () => {
    expect((await read(Buffer.from('\uFEFF{"a":"é"}\n', "utf16le"))).rows).toEqual([{ a: "é" }]);
  });

  test("a value of 5 MB, 10,000 members", async () => {
    const large = "é".repeat(2_500_000);
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`c${i}`, i])));
    const { rows } = await decoded(jsonLines(), contentOf(`{"a":"${large}"}\n${`${wide}\n`.repeat(150)}`));
    expect(rows[0]!["a"]).toBe(large);
    expect(rows[150]!["c9999"]).toBe(9999n);
  });

  test("one that never ends stops reading", async () => {
    const error = await decoded(
      jsonLines({ maxRecordBytes: 4096 }),
      contentOf(`{"a":"${"x".repeat(2_000_000)}`),
    ).catch((problem: unknown) => problem);
    expect(error).toMatchObject({
      code: "ALV_SOURCE_DATA",
      message: expect.stringMatching(/^file, line 1: /) as string,
    });
  });
});

/** A value of a member as JSON text, mostly of its own kind. */
const texts: Record<string, fc.Arbitrary<string>> = {
  int: fc.oneof(
    { weight: 50, arbitrary: fc.integer().map(String) },
    fc.constantFrom(
      "0",
      "-0",
      "17.00",
      "-3.0",
      "1.5",
      "9007199254740993",
      "12345678901234567890",
      "null",
      '"x"',
      "1e3",
      "0.00",
      "-0.0",
      "true",
    ),
  ),
  id: fc.oneof(
    { weight: 50, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
    fc.constant("null"),
  ),
  float: fc.oneof(
    {
      weight: 50,
      arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)),
    },
    fc.constantFrom("1", "0.1234567890123456789", "1E400", "null", "[1]", "1.50"),
  ),
  text: fc.oneof(
    { weight: 50, arbitrary: fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)) },
    fc.constantFrom('"\\u00e9\\n"', '"\\ud800"', '"\\/"', "5", "null", '{"a":1}', '""'),
  ),
  flag: fc.oneof({ weight: 50, arbitrary: fc.boolean().map(String) }, fc.constantFrom("null", "0", '"true"')),
};

const line = fc.tuple(...Object.values(texts)).chain((values) =>
  fc
    .oneof(
      { weight: 60, arbitrary: fc.constant(Object.keys(texts).map((_, i) => i)) },
      fc.shuffledSubarray(Object.keys(texts).map((_, i) => i)),
    )
    .chain((order) =>
      fc.constantFrom([",", ":"], [", ", ": "]).map(([comma, colon]) => {
        const names = Object.keys(texts);
        return `{${order.map((i) => `"${names[i]}"${colon}${values[i]}`).join(comma)}}`;
      }),
    ),
);

describe("lines of one shape, from bytes", () => {
  test("are the rows that objects give", async () => {
    const usual = '{"int":1,"id":2,"float":0.5,"text":"t","flag":true}\n'.repeat(200);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 40 }), fc.boolean(), async (lines, isDeclared) => {
        const text = usual + lines.map((one) => `${one}\n`).join("") + usual.repeat(8) + lines.join("\n");
        const columns = isDeclared
          ? ({ text: { type: "json" }, float: { type: "float64" } } as const)
          : undefined;
        // Declared floats take no integers that they do not hold.
        fc.pre(!isDeclared || !/"float": ?(?:\[1\]|1E400|0\.1234567890|-?\d{16,})/.test(text));
        const found = await decoded(jsonLines(), contentOf(text), columns && { columns });
        expect(found.refused).toEqual([]);
        const expected = plainRows(text, columns && { columns });
        const names = Object.keys(texts);
        const full = (rows: readonly object[]): object[] =>
          rows.map((row) =>
            Object.fromEntries(names.map((name) => [name, (row as Record<string, unknown>)[name] ?? null])),
          );
        expect(comparable(full(found.rows))).toEqual(comparable(full(expected)));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ["a text among numbers", "int", '"x"'],
    ["a number among texts", "text", "5"],
    ["a text among booleans", "flag", '"true"'],
    ["digits among floats", "float", "0.1234567890123456789"],
    ["a list", "id", "[1]"],
  ])("end with %s, and nothing of that line and those behind it stays", async (_, name, value) => {
    const usual = Array.from(
      { length: 400 },
      (__, i) => `{"int":${i},"id":${i},"float":${i}.5,"text":"t${i}","flag":${i % 2 === 0}}`,
    );
    const odd = usual[300]!.replace(new RegExp(`"${name}":[^,}]+`), `"${name}":${value}`);
    const text = usual.with(300, odd).join("\n");
    const { rows, lines } = await decoded(jsonLines(), contentOf(text));
    expect(lines).toEqual(usual.map((__, i) => i + 1));
    expect(comparable(rows)).toEqual(comparable(plainRows(text)));
  });

  /** Numbers by their values: what a column is called for differs from batch to batch. */
  const comparable = (rows: readonly object[]): unknown[] =>
    said(rows).map((row) =>
      Object.entries(row as object).map(([name, value]) => [
        name,
        typeof value === "string" && /^-?\d+$/.test(value) && name !== "text" ? Number(value) : value,
      ]),
    );

  test("are read so at all", async () => {
    const items = await itemsOf(decoderOf(jsonLines()), contentOf('{"a":1,"b":"x"}\n'.repeat(10_000)));
    // Batches of objects cannot give their arrays back.
    expect(items.map((item) => "batch" in item && item.release !== undefined)).toEqual([false, true]);
  });
});

describe("positions", () => {
  test("inside a file give the rest", async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) =>
      i % 7000 === 6999 ? `{"n":"odd ${i}"}` : i % 5000 === 4999 ? "no" : `{"n":${i},"t":"é${i}"}`,
    );
    for (const encoding of ["utf8", "utf16le"] as const) {
      const file = contentOf(Buffer.from(`\uFEFF${lines.join("\n")}`, encoding), { chunk: 10_000 });
      const items = await itemsOf(decoderOf(jsonLines(), { batchBytes: 50_000 }), file);
      const all = gathered(items);
      expect(all.lines).toHaveLength(19_996);
      items.forEach(({ position }, i) => expect(position === undefined).toBe("refused" in items[i]!));
      for (const [i, { position }] of items.entries()) {
        if (position === undefined) continue;
        const rest = gathered(
          await itemsOf(decoderOf(jsonLines()), file, JSON.parse(JSON.stringify(position)) as never),
        );
        const before = gathered(items.slice(0, i + 1));
        expect([...before.lines, ...rest.lines]).toEqual(all.lines);
        expect([...before.rows, ...rest.rows].map(({ n }) => String(n))).toEqual(
          all.rows.map(({ n }) => String(n)),
        );
        expect([...before.refused, ...rest.refused]).toEqual(all.refused);
      }
    }
  });

  test("whatever pieces it comes in, the batches are the same", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(line, fc.constantFrom("", "no", '{"a":"\\x"}')), { maxLength: 50 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        async (lines, chunk) => {
          const text = lines.join("\n");
          expect(await decoded(jsonLines(), contentOf(text, { chunk }))).toEqual(
            await decoded(jsonLines(), contentOf(text)),
          );
        },
      ),
      { numRuns: 100 },
    );
  });
});
