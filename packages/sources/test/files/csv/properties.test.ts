import fc from "fast-check";
import { seededRandom } from "@alluvium/core/testing";
import { describe, expect, test, vi } from "vitest";
import { csv, type CsvOptions } from "../../../src/files/csv/index.ts";
import { contentOf } from "../content-of.ts";
import { decoded, decoderOf, gathered, itemsOf } from "../decoded.ts";

vi.setConfig({ testTimeout: 120_000 });

/** How a writer of its own writes. */
interface Writing {
  readonly delimiter: string;
  readonly quote: string;
  readonly backslash: boolean;
  readonly end: string;
  readonly quotesAll: boolean;
  readonly lastEnd: boolean;
}

const writing: fc.Arbitrary<Writing> = fc.record({
  delimiter: fc.constantFrom(",", ";", "\t", "|"),
  quote: fc.constantFrom('"', "'"),
  backslash: fc.boolean(),
  end: fc.constantFrom("\n", "\r\n", "\r"),
  quotesAll: fc.boolean(),
  lastEnd: fc.boolean(),
});

const cell: fc.Arbitrary<string | null> = fc.oneof(
  fc.constant(null),
  fc.string({
    unit: fc.constantFrom("a", "é", "😀", ",", ";", "\t", "|", '"', "'", "\n", "\r", "\\", " ", "0"),
  }),
  fc.string({ unit: "grapheme" }),
);

const table = fc
  .integer({ min: 1, max: 6 })
  .chain((width) =>
    fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 20 }),
  );

function write(rows: readonly (readonly (string | null)[])[], how: Writing): string {
  const { delimiter, quote, end } = how;
  const text = (value: string | null): string => {
    if (value === null) return "";
    const needs =
      how.quotesAll ||
      value === "" ||
      [delimiter, quote, "\n", "\r", "#"].some((part) => value.includes(part));
    if (!needs) return value;
    const inner = how.backslash
      ? value.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`)
      : value.replaceAll(quote, quote + quote);
    return quote + inner + quote;
  };
  const body = rows.map((row) => row.map(text).join(delimiter)).join(end);
  return how.lastEnd ? body + end : body;
}

const optionsOf = ({ delimiter, quote, backslash }: Writing): CsvOptions => {
  return { delimiter, quote, escape: backslash ? "backslash" : "double", header: true, types: "text" };
};

/** Text as it comes back: what no UTF-8 has is replaced. */
const wellFormed = (text: string | null): string | null => text && text.toWellFormed();

/** Where only nulls are written, a row of one column is an empty line, and nothing follows the last end. */
const isTold = (rows: readonly (readonly (string | null)[])[], how: Writing): boolean =>
  rows[0]!.length > 1 || how.lastEnd || rows.at(-1)![0] !== null;

describe("rows as CSV text in any dialect", () => {
  test("come back as they were", async () => {
    await fc.assert(
      fc.asyncProperty(table, writing, fc.integer({ min: 1, max: 50 }), async (rows, how, chunk) => {
        fc.pre(isTold(rows, how));
        const names = rows[0]!.map((_, i) => `c${i}`);
        // A lone \r within a cell only quotes tell from a line end, and where lines end with \n it is none.
        const text = write([names, ...rows], how);
        const found = await decoded(csv(optionsOf(how)), contentOf(text, { chunk }));
        expect(found.refused).toEqual([]);
        expect(found.rows.map((row) => names.map((name) => row[name]))).toEqual(
          rows.map((row) => row.map(wellFormed)),
        );
      }),
      { numRuns: 400 },
    );
  });

  test("without options, where the text says what the dialect is", async () => {
    const word = fc.string({
      unit: fc.constantFrom("a", "b", " ", "é", "\n", '"', ","),
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer(), word, fc.double({ noNaN: true, noDefaultInfinity: true })), {
          minLength: 1,
          maxLength: 30,
        }),
        writing,
        async (rows, given) => {
          const how = { ...given, quote: '"', backslash: false, quotesAll: false };
          const plain = rows.map(([n, text, x]) => [String(n), text, Object.is(x, -0) ? "0.5" : String(x)]);
          const text = write([["id", "name", "x"], ...plain], how);
          const found = await decoded(csv(), contentOf(text));
          expect(found.refused).toEqual([]);
          expect(found.rows.map(({ id }) => id)).toEqual(rows.map(([n]) => BigInt(n)));
          expect(found.rows.map(({ name }) => name)).toEqual(rows.map(([, name]) => name));
          // Integers that only bigints say make the column one of decimals.
          expect(found.rows.map(({ x }) => String(Number(x)))).toEqual(plain.map(([, , x]) => x));
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** Text of any kind, sound or not. */
const anyText = fc.oneof(
  fc.string({
    unit: fc.constantFrom("a", "1", ",", '"', "\n", "\r", "-", ".", "5", " ", "é"),
    maxLength: 200,
  }),
  fc.tuple(table, writing).map(([rows, how]) => write(rows, how)),
);

describe("any text", () => {
  test("is the same in whatever pieces it comes", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyText,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (text, chunk) => {
          // A header with an open quote ends reading.
          const [one, other] = [
            await decoded(csv(), contentOf(text)).catch(String),
            await decoded(csv(), contentOf(text, { chunk })).catch(String),
          ];
          expect(other).toEqual(one);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("cut off anywhere has the rows before the cut, and fails nothing", async () => {
    await fc.assert(
      fc.asyncProperty(table, writing, fc.nat(), async (rows, how, at) => {
        const names = rows[0]!.map((_, i) => `c${i}`);
        const bytes = Buffer.from(write([names, ...rows], how));
        const cut = bytes.subarray(0, at % (bytes.length + 1));
        const whole = (await decoded(csv(optionsOf(how)), contentOf(bytes))).rows;
        const part = (await decoded(csv(optionsOf(how)), contentOf(cut))).rows;
        // The last row of the part may be half of one, and an open quote takes a line of its own.
        const sound = part.length - 1;
        fc.pre(!cut.includes(how.quote));
        expect(part.slice(0, Math.max(0, sound))).toEqual(whole.slice(0, Math.max(0, sound)));
      }),
      { numRuns: 300 },
    );
  });
});

describe("positions", () => {
  const parts = [
    ["1", "22", "-333", "4444", "55555", "6", "oops", "", "1.5", '"2026-01-01"'],
    ["a", '"b ""q"" é"', '"c\nd"', "", "x,y"],
    ["2026-01-01", "2026-02-28", "", "soon"],
  ];

  test.each([1, 2, 3, 4])(
    "inside a file give the rest, by a decoder that knows nothing else (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      const lines = Array.from({ length: 12_000 }, () =>
        parts.map((texts) => texts[Math.floor(random() ** 3 * texts.length)]).join(),
      );
      const text = `n,t,d\n${lines.join("\n")}\n`;
      const bytes =
        seed === 1
          ? Buffer.from(`\uFEFF${text}`, "utf16le")
          : Buffer.from((seed === 2 ? "\uFEFF" : "") + text);
      const file = contentOf(bytes, { chunk: 100_000 });
      const items = await itemsOf(decoderOf(csv(), { batchBytes: 20_000 }), file);
      const all = gathered(items);
      const stored = JSON.parse(JSON.stringify(items.map(({ position }) => position ?? null))) as never[];
      const places = stored.flatMap((position, i) => (position === null ? [] : [i]));
      expect(places.length).toBeGreaterThan(1);
      for (const place of places) {
        const rest = await itemsOf(decoderOf(csv(), { batchBytes: 20_000 }), file, stored[place]);
        const [before, after] = [gathered(items.slice(0, place + 1)), gathered(rest)];
        expect([...before.lines, ...after.lines]).toEqual(all.lines);
        expect([...before.refused, ...after.refused]).toEqual(all.refused);
        expect([...before.rows, ...after.rows].map(says)).toEqual(all.rows.map(says));
      }
    },
  );

  const says = (row: object): string =>
    JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value));
});
