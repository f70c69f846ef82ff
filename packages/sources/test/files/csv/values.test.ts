import { describe, expect, test } from "vitest";
import { csv } from "../../../src/files/csv/index.ts";
import { contentOf } from "../content-of.ts";
import { decoded, decoderOf, gathered, itemsOf } from "../decoded.ts";

describe("a declared float column", () => {
  const read = async (texts: readonly string[], type: "float64" | "float32"): ReturnType<typeof decoded> =>
    await decoded(csv({ header: true }), contentOf(`a\n${texts.join("\n")}\n`, { path: "a.csv" }), {
      columns: { a: { type } },
    });

  test("takes numbers whose digits a double gives back", async () => {
    const texts = ["1.5", "007", "+7", ".5", "5.", "1e5", "1.50", "-0.0", "NaN", "-Infinity", "5e-324"];
    const exact = ["9007199254740992", "1152921504606846976", "0.30000000000000004", "0.10000000000000001"];
    const { rows, refused } = await read([...texts, ...exact, "1.0000000000000000e-01"], "float64");
    expect(refused).toEqual([]);
    expect(rows.map(({ a }) => a)).toEqual([...[...texts, ...exact].map(Number), 0.1]);
  });

  test.each(["float64", "float32"] as const)("refuses what %s would change", async (type) => {
    const texts = ["9007199254740993", "-9007199254740993.0", "1e400", "-1e400", "1e-400"];
    const more = ["0.1234567890123456789", "100000000000000000000000", "0x10", "1_000"];
    const { rows, refused } = await read([...texts, ...more, "2"], type);
    expect(rows).toEqual([{ a: 2 }]);
    expect(refused.map(({ position }) => (position as { line: number }).line - 2)).toEqual([
      ...[...texts, ...more].keys(),
    ]);
    expect(refused[0]!.message).toMatch(
      /^a\.csv, line 2, column "a": "9007199254740993" has no exact form as float/,
    );
  });

  test("of 32 bits rounds what a double says, and refuses what is beyond", async () => {
    const { rows, refused } = await read(["0.1", "16777217", "1e39"], "float32");
    expect(rows).toEqual([{ a: Math.fround(0.1) }, { a: 16_777_216 }]);
    expect(refused).toMatchObject([{ position: { line: 4 } }]);
  });
});

test("a column that may not be null refuses the rows of files that lack it", async () => {
  const decoder = decoderOf(csv(), {
    columns: { z: { type: "string", nullable: false }, y: { type: "int64" } },
  });
  const lacking = gathered(await itemsOf(decoder, contentOf("id\n1\n2\n", { path: "a.csv" })));
  expect(lacking.rows).toEqual([]);
  expect(lacking.refused.map(({ column, position, row }) => [column, position, row])).toEqual([
    ["z", { line: 2 }, '{"id":1}'],
    ["z", { line: 3 }, '{"id":2}'],
  ]);
  expect(lacking.refused[0]!.message).toMatch(
    /^a\.csv, line 2, column "z": is null where null is not allowed, since the file has no such column: /,
  );
  const having = gathered(await itemsOf(decoder, contentOf("id,z\n3,x\n")));
  expect([having.rows, having.refused]).toEqual([[{ id: 3n, z: "x" }], []]);
});

describe("texts of another kind than their column's, in a batch without any of its own,", () => {
  /** The JSON texts of a column of the second file. */
  async function mixedTexts(first: string, ...second: string[]): Promise<unknown[]> {
    const decoder = decoderOf(csv());
    await itemsOf(decoder, contentOf(`v\n${first}\n`));
    const { rows } = gathered(await itemsOf(decoder, contentOf(`v\n${second.join("\n")}\n`)));
    return rows.map(({ v }) => v);
  }

  test("stay as they are", async () => {
    const instant = "2024-01-05T10:00:00+02:00";
    expect(await mixedTexts("2024-01-05T10:00:00", instant, "2024-01-05")).toEqual([instant, "2024-01-05"]);
    expect(await mixedTexts("2024-01-05", instant, "2024-01-05 10:00:00")).toEqual([
      instant,
      "2024-01-05 10:00:00",
    ]);
  });

  test("leave the sign of a zero", async () => {
    expect(await mixedTexts("1.5", "-0.0", "x", "-0.0", "2")).toEqual([-0, "x", -0, 2]);
  });
});
