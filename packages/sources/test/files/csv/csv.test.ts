import type { AlluviumError } from "@alluvium/core";
import { describe, expect, test } from "vitest";
import { csv, type CsvOptions } from "../../../src/files/csv/index.ts";
import { contentOf } from "../content-of.ts";
import { decoded, decoderOf, gathered, itemsOf } from "../decoded.ts";

const read = async (
  text: string | Uint8Array,
  options: CsvOptions = {},
  table: Parameters<typeof decoderOf>[1] = {},
): ReturnType<typeof decoded> =>
  await decoded(csv(options), contentOf(text, { path: "a.csv", chunk: 7 }), table);

const kinds = async (text: string, options: CsvOptions = {}): Promise<Record<string, string>> => {
  const { schema } = await read(text, options);
  return Object.fromEntries(
    schema!.fields.map(({ name, type }) => [
      name,
      type.kind === "decimal"
        ? `decimal(${type.precision},${type.scale})`
        : type.kind === "timestamp"
          ? `timestamp ${type.zone}`
          : type.kind,
    ]),
  );
};

describe("cells (RFC 4180)", () => {
  test("quotes hold delimiters, line ends and doubled quotes", async () => {
    const { rows, lines } = await read('a,b\n"1,5","say ""hi"""\n"x\r\ny",z\n"",\n');
    expect(rows).toEqual([
      { a: "1,5", b: 'say "hi"' },
      { a: "x\r\ny", b: "z" },
      { a: "", b: null },
    ]);
    expect(lines).toEqual([2, 3, 5]);
  });

  test.each(["\n", "\r\n", "\r"])("lines end with %j, the last one with or without", async (end) => {
    const text = ["a,b", "x,y", '"p","q"', ""].join(end);
    for (const given of [text, text.slice(0, -end.length)])
      expect((await read(given)).rows).toEqual([
        { a: "x", b: "y" },
        { a: "p", b: "q" },
      ]);
  });

  test("quotes in the middle of a cell are characters", async () => {
    const { rows } = await read('a,b\n5" pipe,it"s\n');
    expect(rows).toEqual([{ a: '5" pipe', b: 'it"s' }]);
  });

  test("a carriage return within a line stays", async () => {
    expect((await read("a,b\nx\ry,z\n")).rows).toEqual([{ a: "x\ry", b: "z" }]);
  });

  test("backslashes escape where quotes are only sound with them", async () => {
    const { rows } = await read('a,b\n"x \\"y\\" \\\\ z",1\n"p, ""q""",2\n');
    expect(rows).toEqual([
      { a: 'x "y" \\ z', b: 1n },
      { a: 'p, "q"', b: 2n },
    ]);
  });

  test("empty lines are no records, but where a record is one cell", async () => {
    expect((await read("a,b\n\n1,2\n\r\n3,4\n\n")).rows).toEqual([
      { a: 1n, b: 2n },
      { a: 3n, b: 4n },
    ]);
    expect((await read("a\nx\n\ny\n", { header: true })).rows).toEqual([{ a: "x" }, { a: null }, { a: "y" }]);
  });

  test("a cell of 5 MB, and one with quotes in it", async () => {
    const large = "x".repeat(5_000_000);
    const quoted = 'y"'.repeat(1_000_000);
    const { rows } = await decoded(
      csv(),
      contentOf(`a,b\n1,${large}\n2,"${quoted.replaceAll('"', '""')}"\n3,z\n`),
    );
    expect(rows.map(({ b }) => (b as string).length)).toEqual([large.length, quoted.length, 1]);
    expect(rows[1]!["b"]).toBe(quoted);
  });

  test("10,000 columns", async () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
    const values = names.map((_, i) => String(i));
    const { rows } = await decoded(csv(), contentOf(`${names.join()}\n${`${values.join()}\n`.repeat(40)}`));
    expect(rows).toHaveLength(40);
    expect(rows[39]!["c9999"]).toBe(9999n);
  });
});

describe("what is found out", () => {
  test.each([",", ";", "\t", "|"])("the delimiter %j", async (delimiter) => {
    const text = ["id,name;with|all", "1,a b", "2,c"]
      .map((line) => line.split(",").join(delimiter))
      .join("\n");
    const named = delimiter === "," ? text.replace(";with|all", "") : text.replace(/;with\|all/, "");
    const { rows } = await read(named);
    expect(rows).toEqual([
      { id: 1n, name: "a b" },
      { id: 2n, name: "c" },
    ]);
  });

  test("semicolons among decimal commas", async () => {
    const { rows } = await read("a;b\n1,5;2,25\n3,5;4,75\n", { decimal: "," });
    expect(rows).toEqual([
      { a: 1.5, b: 2.25 },
      { a: 3.5, b: 4.75 },
    ]);
    expect((await read("a;b\n1.5;x\n", { decimal: "," })).rows).toEqual([{ a: "1.5", b: "x" }]);
  });

  test("single quotes where nothing else encloses cells", async () => {
    expect((await read("a,b\n'x,1','it''s'\n'y','z'\n")).rows).toEqual([
      { a: "x,1", b: "it's" },
      { a: "y", b: "z" },
    ]);
    expect((await read("a,b\n'tis,x\n")).rows).toEqual([{ a: "'tis", b: "x" }]);
  });

  test("a header, unless a cell of it says that it is a value", async () => {
    expect((await read("1,a\n2,b\n")).rows).toEqual([
      { column1: 1n, column2: "a" },
      { column1: 2n, column2: "b" },
    ]);
    expect((await read("x,y\np,q\n", { header: false })).rows).toHaveLength(2);
    expect((await read("2019,2020\n1,2\n", { header: true })).rows).toEqual([{ "2019": 1n, "2020": 2n }]);
    expect((await read("1,2\n", { names: ["a", "b"] })).rows).toEqual([{ a: 1n, b: 2n }]);
    expect((await read("x,y\n1,2\n", { names: ["a", "b"], header: true })).rows).toEqual([{ a: 1n, b: 2n }]);
  });

  test("names are made unique", async () => {
    const { rows } = await read("id,,id,id_2,\n1,2,3,4,5\n");
    expect(rows).toEqual([{ id: 1n, column2: 2n, id_3: 3n, id_2: 4n, column5: 5n }]);
  });

  test("nothing, a header alone, one line alone", async () => {
    expect((await read("")).rows).toEqual([]);
    expect((await read("a,b\n")).rows).toEqual([]);
    expect((await read("\n\n")).rows).toEqual([]);
    expect((await read("1,2")).rows).toEqual([{ column1: 1n, column2: 2n }]);
  });

  test("skipped lines and comments", async () => {
    const { rows, lines } = await read('Export "of today\n\n# made by hand\nid,n\n1,x\n# 2,y\n3,z\n', {
      skip: 2,
      comment: "#",
    });
    expect(rows).toEqual([
      { id: 1n, n: "x" },
      { id: 3n, n: "z" },
    ]);
    expect(lines).toEqual([5, 7]);
  });
});

describe("types", () => {
  test("are what texts say, never more", async () => {
    expect(
      await kinds(
        [
          "i,big,huge,money,f,b,d,z,t,s,zip,phone,exp,nan,none",
          "1,9007199254740993,12345678901234567890,12.50,1.5,true,2026-02-28,2026-02-28T10:00:00Z,2026-02-28 10:00:00,x,01234,+49301,1e5,NaN,",
          "-2,1,1,3.25,0.001,false,2024-02-29,2026-02-28T10:00:00.5+01:00,2026-02-28T10:00:00.123456,y,5,5,2e3,1,",
        ].join("\n"),
      ),
    ).toEqual({
      i: "int64",
      big: "int64",
      huge: "decimal(38,0)",
      money: "decimal(18,2)",
      f: "float64",
      b: "boolean",
      d: "date",
      z: "timestamp utc",
      t: "timestamp local",
      s: "string",
      zip: "string",
      phone: "string",
      exp: "string",
      nan: "string",
      none: "null",
    });
  });

  test("values are exact", async () => {
    const { rows } = await read(
      "i,d,f,z\n9223372036854775807,12345678901234567.10,0.1,1970-01-01T00:00:00.000001Z\n-9223372036854775808,-0.25,1e-7,2300-01-01T00:00:00+02:00\n-5,0.05,123456789.123456,1969-12-31T23:59:59Z\n",
    );
    expect(rows).toEqual([
      { i: 9223372036854775807n, d: "12345678901234567.10", f: 0.1, z: 1n },
      { i: -9223372036854775808n, d: "-0.25", f: 1e-7, z: 10413784800000000n },
      { i: -5n, d: "0.05", f: 123456789.123456, z: -1000000n },
    ]);
  });

  test("what a date or number is not", async () => {
    const kindsOf = await kinds("a,b,c,d,e,f\n2026-02-30,1.,.5,00.5,1 000,True\n");
    expect(Object.values(kindsOf)).toEqual(["string", "string", "string", "string", "string", "string"]);
  });

  test("text where that is asked for", async () => {
    expect((await read("a,b\n1,2026-01-01\n", { types: "text" })).rows).toEqual([
      { a: "1", b: "2026-01-01" },
    ]);
  });

  test("are kept over files, by the names of columns", async () => {
    const decoder = decoderOf(csv());
    const one = gathered(await itemsOf(decoder, contentOf("zip,n\n01234,1\n")));
    const two = gathered(await itemsOf(decoder, contentOf("n,zip\n2,12345\n")));
    expect([...one.rows, ...two.rows]).toEqual([
      { zip: "01234", n: 1n },
      { n: 2n, zip: "12345" },
    ]);
  });

  test("are known again in the next run", async () => {
    const before = decoderOf(csv());
    await itemsOf(before, contentOf("zip,n,none\n01234,1,\n"));
    const learned = JSON.parse(JSON.stringify(before.learned!())) as never;
    const decoder = decoderOf(csv(), { learned });
    const { rows } = gathered(await itemsOf(decoder, contentOf("n,zip,none\n2,12345,3\n")));
    expect(rows).toEqual([{ n: 2n, zip: "12345", none: 3n }]);
    expect(decoder.learned!()).toEqual({ header: true, types: { zip: "s", n: "i", none: "i" } });
    expect(decoderOf(csv(), { learned }).learned!()).toEqual({
      header: true,
      types: { zip: "s", n: "i", none: "n" },
    });
    const declared = decoderOf(csv(), { learned, columns: { zip: { type: "int64" } } });
    expect(gathered(await itemsOf(declared, contentOf("zip\n7\n"))).rows).toEqual([{ zip: 7n }]);
  });

  test("a later value of another kind makes its batch mixed, and nothing is lost", async () => {
    const head = `n,k\n${Array.from({ length: 20_000 }, (_, i) => `${i},a`).join("\n")}\n`;
    const items = await itemsOf(
      decoderOf(csv(), { batchBytes: 65_536 }),
      contentOf(`${head}oops,b\n12345678901234567890,c\n007,d\n8,e\n`),
    );
    const { rows } = gathered(items);
    expect(rows.slice(0, 20_000).every(({ n }, i) => Number(n) === i)).toBe(true);
    expect(rows.slice(20_000).map(({ n }) => n)).toEqual(["oops", 12345678901234567890n, "007", 8]);
    const last = items.at(-1)!;
    expect("batch" in last && last.batch.schema.fields[0]!.type).toEqual({
      kind: "json",
      mixed: { kind: "int64" },
    });
  });

  test("a fraction among integers makes the column one of floats", async () => {
    const head = `n\n${Array.from({ length: 20_000 }, (_, i) => String(i)).join("\n")}\n`;
    const { rows, schema } = gathered(
      await itemsOf(
        decoderOf(csv(), { batchBytes: 65_536 }),
        contentOf(`${head}1.5\n${"2\n".repeat(20_000)}`),
      ),
    );
    expect(schema!.fields[0]!.type).toEqual({ kind: "float64" });
    expect(rows[20_000]).toEqual({ n: 1.5 });
    expect(rows.at(-1)).toEqual({ n: 2 });
  });
});

describe("null", () => {
  test("is an empty cell without quotes, and what is said to be", async () => {
    expect((await read('a,b,c\n,"",NULL\nx,y,z\n')).rows[0]).toEqual({ a: null, b: "", c: "NULL" });
    expect((await read('a,b,c\n,"NULL",NULL\n', { null: ["", "NULL"] })).rows[0]).toEqual({
      a: null,
      b: "NULL",
      c: null,
    });
    expect((await read('a,b\n,"NULL"\n', { null: ["NULL"], quotedNull: true })).rows[0]).toEqual({
      a: "",
      b: null,
    });
    expect((await read('a,b\n"1",""\n"2","x"\n', { quotedNull: true })).rows[0]).toEqual({ a: 1n, b: null });
  });
});

describe("declared columns", () => {
  const columns = {
    id: { type: "int32", nullable: false },
    at: { type: "timestamp" },
    price: { type: "decimal", precision: 10, scale: 2 },
    tags: { type: "list", element: { type: "string" } },
    u: { type: "uuid" },
  } as const;

  test("take any exact form of their type; what they do not hold refuses the row", async () => {
    const id = "0198c000-0000-7000-8000-000000000001";
    const { rows, refused, lines } = await read(
      [
        "id,at,price,tags,u",
        `007,2026-01-01,5,"[""a"",""b""]",${id}`,
        `,2026-01-01,5,,`,
        `8,soon,1.00,,`,
        `9,,1.005,,`,
        `10,,+1.5,5,`,
        `11,,1e1,[],`,
      ].join("\n"),
      {},
      { columns },
    );
    expect(rows).toEqual([
      { id: 7, at: 1767225600000000n, price: "5.00", tags: ["a", "b"], u: id },
      { id: 11, at: null, price: "10.00", tags: [], u: null },
    ]);
    expect(lines).toEqual([2, 7]);
    expect(refused.map(({ column, position, rule }) => [column, position, rule])).toEqual([
      ["id", { line: 3 }, "column"],
      ["at", { line: 4 }, "column"],
      ["price", { line: 5 }, "column"],
      ["tags", { line: 6 }, "column"],
    ]);
    expect(refused[1]).toMatchObject({
      stage: "read",
      reason: "ALV_ROW_INVALID",
      message: expect.stringMatching(
        /^a\.csv, line 4, column "at": "soon" has no exact form as timestamp/,
      ) as string,
      row: '{"id":8,"at":"soon","price":1.00,"tags":null,"u":null}',
    });
  });
});

describe("records that are none", () => {
  test("are refused with their line, and reading goes on", async () => {
    const { rows, refused, lines } = await read('a,b\n1,2\n3\n4,5,6\n"x"y,7\n8,9\n');
    expect(rows).toEqual([
      { a: 1n, b: 2n },
      { a: 8n, b: 9n },
    ]);
    expect(lines).toEqual([2, 6]);
    expect(refused.map(({ message, row, position }) => [message, row, position])).toEqual([
      [
        'a.csv, line 3: 1 cell where 2 were expected: csv({ shortRows: "null" }) takes null for the others',
        '{"line":"3"}',
        { line: 3 },
      ],
      [
        'a.csv, line 4: 3 cells where 2 were expected: csv({ longRows: "cut" }) leaves out what is beyond',
        '{"line":"4,5,6"}',
        { line: 4 },
      ],
      [
        'a.csv, line 5: cell 1: text follows its closing quote: mend the file, or let the table\'s contract set such rows aside (contract: { types: "quarantine" })',
        '{"line":"\\"x\\"y,7"}',
        { line: 5 },
      ],
    ]);
  });

  test("are filled or cut where that is asked for", async () => {
    const { rows, refused } = await read("a,b\n1\n2,3,4\n", { shortRows: "null", longRows: "cut" });
    expect(rows).toEqual([
      { a: 1n, b: null },
      { a: 2n, b: 3n },
    ]);
    expect(refused).toEqual([]);
  });

  test("an open quote takes one line, not the rest of the file", async () => {
    const { rows, refused } = await read('a,b\n1,"open\n2,x\n3,y\n');
    expect(rows).toEqual([
      { a: 2n, b: "x" },
      { a: 3n, b: "y" },
    ]);
    expect(refused).toMatchObject([
      { message: expect.stringMatching(/^a\.csv, line 2: cell 2: its quote is never closed: /) as string },
    ]);
  });

  test("an open quote is given up after maxRecordBytes", async () => {
    const rest = Array.from({ length: 100_000 }, (_, i) => `${i},line`).join("\n");
    const { rows, refused } = await decoded(
      csv({ maxRecordBytes: 4096 }),
      contentOf(`a,b\n1,"open\n${rest}\n`, { path: "a.csv" }),
    );
    expect(rows).toHaveLength(100_000);
    expect(refused).toMatchObject([{ position: { line: 2 } }]);
  });

  test("a line that never ends stops reading", async () => {
    const error = await decoded(
      csv({ maxRecordBytes: 4096 }),
      contentOf(`a,b\n1,${"x".repeat(2_000_000)}`),
    ).catch((problem: unknown) => problem);
    expect(error).toMatchObject({
      code: "ALV_SOURCE_DATA",
      message: expect.stringMatching(/^file, line 2: /) as string,
    });
  });
});

describe("encodings", () => {
  const text = "name,n\nMüller,1\nŁódź €,2\n";

  test.each([
    ["UTF-8 with a mark", Buffer.from(`\uFEFF${text}`)],
    ["UTF-16 LE", Buffer.from(`\uFEFF${text}`, "utf16le")],
    ["UTF-16 BE", Buffer.from(`\uFEFF${text}`, "utf16le").swap16()],
  ])("%s", async (_, bytes) => {
    expect((await read(bytes)).rows).toEqual([
      { name: "Müller", n: 1n },
      { name: "Łódź €", n: 2n },
    ]);
  });

  test("by label", async () => {
    const { rows } = await read(Buffer.from("name,p\nM\xfcller,5\x80\n", "latin1"), {
      encoding: "windows-1252",
    });
    expect(rows).toEqual([{ name: "Müller", p: "5€" }]);
  });

  test("bytes that are no text", async () => {
    const bytes = Buffer.from('a,b\nx,1\nM\xfcller,2\n"y\xff\nz",3\nlast,4\n', "latin1");
    const { rows, refused, lines } = await read(bytes);
    expect(rows).toEqual([
      { a: "x", b: 1n },
      { a: "last", b: 4n },
    ]);
    expect(lines).toEqual([2, 6]);
    expect(refused.map(({ rule, position }) => [rule, position])).toEqual([
      ["encoding", { line: 3 }],
      ["encoding", { line: 4 }],
    ]);
    const replaced = await read(bytes, { invalidBytes: "replace" });
    expect(replaced.rows.map(({ a }) => a)).toEqual(["x", "M\uFFFDller", "y\uFFFD\nz", "last"]);
    expect(replaced.lines).toEqual([2, 3, 4, 6]);
  });
});

test("options that are none are ALV_CONFIG", () => {
  const wrong: [unknown, RegExp][] = [
    [{ delimiter: ",," }, /csv: delimiter must be one ASCII character, not ",,"/],
    [{ separator: ";" }, /csv: there is no option separator; there are delimiter/],
    [{ encoding: "klingon" }, /csv: encoding must be a label/],
    [{ delimiter: '"', quote: '"' }, /must be different/],
    [{ decimal: ",", delimiter: "," }, /needs another delimiter/],
    [{ maxRecordBytes: 10 }, /maxRecordBytes must be/],
    [{ names: ["a", "a"] }, /names must be/],
    [null, /csv: options must be an object, not null/],
  ];
  for (const [options, message] of wrong)
    expect(() => csv(options as CsvOptions)).toThrow(
      expect.objectContaining({
        code: "ALV_CONFIG",
        message: expect.stringMatching(message) as string,
      }) as AlluviumError,
    );
});
