import type { Json } from "@alluvium/core";
import { describe, expect, test } from "vitest";
import { csv, type CsvOptions } from "../../../src/files/csv/index.ts";
import { contentOf } from "../content-of.ts";
import { decoded, decoderOf, gathered, itemsOf, type Decoded } from "../decoded.ts";

const failure = async (bytes: Uint8Array | string, options: CsvOptions = {}): Promise<unknown> =>
  await decoded(csv(options), contentOf(bytes, { path: "a.csv" })).then(
    ({ rows }) => rows,
    (error: unknown) => error,
  );

const unreadable = (message: RegExp): unknown =>
  expect.objectContaining({ code: "ALV_SOURCE_DATA", message: expect.stringMatching(message) as string });

describe("what was found for the first file of a table holds for the next ones", () => {
  /** Files one after another, by one decoder or each by one of its own that knows what the one before has learned. */
  async function readAll(
    texts: readonly string[],
    inRuns: boolean,
    options: CsvOptions = {},
  ): Promise<readonly Decoded[]> {
    let decoder = decoderOf(csv(options));
    const all: Decoded[] = [];
    for (const [i, text] of texts.entries()) {
      all.push(gathered(await itemsOf(decoder, contentOf(text, { path: `${i}.csv` }))));
      if (!inRuns) continue;
      const learned = JSON.parse(JSON.stringify(decoder.learned!())) as Json;
      decoder = decoderOf(csv(options), { learned });
    }
    return all;
  }

  describe.each([
    ["in one run", false],
    ["in several", true],
  ])("%s", (_, inRuns) => {
    test("no header stays no header", async () => {
      const [, second] = await readAll(["1,alice\n2,bob\n", "NULL,carol\n3,dave\n"], inRuns);
      expect(second!.rows).toEqual([
        { column1: "NULL", column2: "carol" },
        { column1: 3, column2: "dave" },
      ]);
    });

    test("a header that shares a name is one", async () => {
      const [, second] = await readAll(["id,name\n1,x\n", "2024,name\n5,z\n"], inRuns);
      expect(second!.rows).toEqual([{ "2024": 5n, name: "z" }]);
    });

    test("the names of columns without values, and of texts, are known, too", async () => {
      for (const types of ["detect", "text"] as const) {
        const [, second] = await readAll(["id,name\n,\n", "7,name\nb,z\n"], inRuns, { types });
        expect(second!.rows).toEqual([{ "7": "b", name: "z" }]);
      }
    });

    test("a first record that shares none is refused with what can be done", async () => {
      const texts = ["id,name\n1,x\n", "NULL,carol\n3,dave\n"];
      await expect(readAll(texts, inRuns)).rejects.toEqual(
        unreadable(
          /^1\.csv: its first record, "NULL", "carol", names none of the columns of the files before: "id", "name"\. .*header: true.*header: false/,
        ),
      );
      const [, named] = await readAll(texts, inRuns, { header: true });
      expect(named!.rows).toEqual([{ NULL: 3n, carol: "dave" }]);
    });

    test("the option beats what was found", async () => {
      const [, second] = await readAll(["a,b\n1,x\n", "a,y\n3,z\n"], inRuns, { header: false });
      expect(second!.rows).toEqual([
        { column1: "a", column2: "y" },
        { column1: "3", column2: "z" },
      ]);
    });
  });

  test("what older versions learned is read: types alone", async () => {
    const decoder = decoderOf(csv(), { learned: { zip: "s", n: "i" } });
    const { rows } = gathered(await itemsOf(decoder, contentOf("zip,n\n123,4\n")));
    expect(rows).toEqual([{ zip: "123", n: 4n }]);
    expect(decoder.learned!()).toEqual({ header: true, types: { zip: "s", n: "i" } });
  });
});

describe("bytes that are no CSV", () => {
  const wide = Buffer.from("id,b\n1,x\n2,y\n", "utf16le");

  test.each([
    ["UTF-16 LE", wide, /^a\.csv: it is no CSV file \(.*UTF-16 .*encoding: "utf-16le"/],
    ["UTF-16 BE", Buffer.from(wide).swap16(), /encoding: "utf-16be"/],
    ["zip", Buffer.from(`504b0304140000000800${"ab".repeat(200)}`, "hex"), /no CSV file \(a zip archive/],
    ["Parquet", Buffer.from("PAR1\u0015\0\n\u0015x", "latin1"), /no CSV file \(Parquet .*parquet\(\)/],
    ["gzip", Buffer.from("1f8b0800000000000003", "hex"), /no CSV file \(gzip/],
    ["Avro", Buffer.from("Obj\u0001\u0004\u0016avro.schema", "latin1"), /no CSV file \(Avro .*avro\(\)/],
    ["a control character", "id,\u0001b\n1,2\n", /no CSV file \(.* control character "\\u0001"/],
    ["no line end at all", Buffer.alloc(5000, "\0x"), /no CSV file/],
  ])("%s", async (_, bytes, message) => {
    expect(await failure(bytes, { maxRecordBytes: 4096 })).toEqual(unreadable(message));
  });

  test("UTF-16 without a header", async () => {
    expect(await failure(Buffer.from("1,x\n2,y\n", "utf16le"), { header: false })).toEqual(
      unreadable(/encoding: "utf-16le"/),
    );
  });

  test("tabs, zeros in values and names of such letters are text", async () => {
    expect(await failure("PAR1\tPK\tObj\n1\t2\t3\n")).toEqual([{ PAR1: 1n, PK: 2n, Obj: 3n }]);
    expect(await failure("1,a\0\n2,b\n")).toHaveLength(2);
  });

  test("a header in another encoding", async () => {
    const bytes = Buffer.from("id,caf\xe9\n1,x\n", "latin1");
    expect(await failure(bytes)).toEqual(
      unreadable(/^a\.csv: its header has bytes that stand for no character: .*windows-1252/),
    );
    expect(await failure(bytes, { encoding: "windows-1252" })).toEqual([{ id: 1n, café: "x" }]);
    expect(await failure(bytes, { header: true, names: ["id", "b"] })).toEqual([{ id: 1n, b: "x" }]);
    expect(await failure(bytes, { invalidBytes: "replace" })).toEqual([{ id: 1n, "caf\uFFFD": "x" }]);
  });
});

describe("a header that would be all there is", () => {
  test("by a quote that is not closed", async () => {
    expect(await failure('id,"note\n1,x\n2,y\n')).toEqual(unreadable(/^a\.csv: a quote in its header/));
    expect(await failure('id,"note\n1,"x"\n2,y\n')).toEqual(unreadable(/^a\.csv: a quote in its header/));
  });

  test("by a first record that is longer than records may be", async () => {
    expect(await failure("x".repeat(5000), { maxRecordBytes: 4096 })).toEqual(
      unreadable(/^a\.csv, line 1: .* maxRecordBytes/),
    );
  });

  test("a header of lines in quotes is one", async () => {
    for (const text of ['id,"a\nb"\n', 'id,"a\nb"\r\n', 'id,"a\nb"\r'])
      expect(await failure(text)).toEqual([]);
  });
});

describe("line ends", () => {
  test.each([
    [
      "a line feed in a cell of carriage returns",
      'id,note\r1,"a\nb"\r2,c\r',
      [
        { id: 1n, note: "a\nb" },
        { id: 2n, note: "c" },
      ],
    ],
    [
      "quotes within cells",
      'id,note\r1,5" x\r2,"x\ny"\r3,z\r',
      [
        { id: 1n, note: '5" x' },
        { id: 2n, note: "x\ny" },
        { id: 3n, note: "z" },
      ],
    ],
    [
      "a last line cut off in its line end",
      "a,b\n1,x\n2\n3,z\r",
      [
        { a: 1n, b: "x" },
        { a: 3n, b: "z" },
      ],
    ],
    ["a delimiter and a line feed in the only column", 'a\r",\n"\r\r', [{ a: ",\n" }, { a: null }]],
    ["quotes in a header of one cell", 'note5" x\rb "c\nd" e\r', [{ 'note5" x': 'b "c\nd" e' }]],
    [
      "a line feed that no quotes hold, where records tell",
      "id,'a\nb'\r1,x\r2,y\r",
      [
        { id: 1n, "'a\nb'": "x" },
        { id: 2n, "'a\nb'": "y" },
      ],
    ],
    [
      "single quotes",
      "id,note\r1,'x,\ny'\r2,z\r",
      [
        { id: 1n, note: "x,\ny" },
        { id: 2n, note: "z" },
      ],
    ],
    ["a carriage return in a cell of line feeds", '"a\rb",c\n1,2\n', [{ "a\rb": 1n, c: 2n }]],
  ])("%s", async (_, text, rows) => {
    expect(await failure(text)).toEqual(rows);
  });
});
