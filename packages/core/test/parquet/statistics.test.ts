import { describe, expect, it } from "vitest";
import { vectorOf, type Batch } from "../../src/columns/index.ts";
import {
  bytesSource,
  compareValues,
  cutBytesAbove,
  cutTextAbove,
  cutTextBelow,
  openParquet,
  type ParquetValue,
} from "../../src/parquet/index.ts";
import { valueOf } from "../../src/parquet/vector-value.ts";
import type { ColumnType, Schema } from "../../src/schema/types.ts";
import { randomBatches, randomSchema, Random } from "./random.ts";
import { encode } from "./values.ts";

const points = (text: string): number => Array.from(text).length;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The bounds by comparing every value. */
function slowBounds(batches: readonly Batch[], column: number) {
  let nulls = 0;
  let sawNaN = false;
  let min: ParquetValue | undefined;
  let max: ParquetValue | undefined;
  for (const batch of batches) {
    const vector = batch.columns[column]!;
    for (let row = 0; row < batch.length; row++) {
      if (vector.validity !== undefined && ((vector.validity[row >> 3]! >> (row & 7)) & 1) === 0) {
        nulls++;
        continue;
      }
      const value =
        vector.layout === "dictionary"
          ? valueOf(vector.dictionary, vector.codes[row]!)
          : valueOf(vector, row);
      if (Number.isNaN(value)) {
        sawNaN = true;
        continue;
      }
      if (min === undefined || compareValues(value, min) < 0) min = value;
      if (max === undefined || compareValues(value, max) > 0) max = value;
    }
  }
  return { nulls, sawNaN, min, max };
}

const zero = (value: ParquetValue | undefined): ParquetValue | undefined => (value === 0 ? 0 : value);

/** Whether `low` is not above `high`, and equal to it unless one of them was cut. */
function bounds(
  low: ParquetValue | undefined,
  high: ParquetValue | undefined,
  cut: boolean = false,
): boolean {
  if (low === undefined || high === undefined) return low === high;
  return cut ? compareValues(low, high) <= 0 : compareValues(low, high) === 0 || (low === 0 && high === 0);
}

describe("statistics", { timeout: 60_000 }, () => {
  it("of bytes that begin alike, or end early, are their least and their greatest", async () => {
    const type: ColumnType = { kind: "binary" };
    const schema: Schema = { fields: [{ name: "value", type, nullable: false }] };
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const edges = random.pick([
        [0, 1],
        [0, 0x7f, 0x80, 0xff],
        [0x61, 0x62],
      ]);
      const longest = random.pick([3, 5, 9]);
      const columns = Array.from({ length: 3 }, () =>
        vectorOf(
          type,
          Array.from({ length: 1 + random.int(40) }, () =>
            Uint8Array.from({ length: random.int(longest) }, () => random.pick(edges)),
          ),
        ),
      );
      const batches = columns.map((column) => ({ schema, columns: [column], length: column.length }));
      const { summary } = await encode(schema, batches, { dictionary: false, pageValues: 25 });
      const { min, max } = slowBounds(batches, 0);
      const { min: low, max: high } = summary.columns[0]!;
      expect([seed, low, high]).toEqual([seed, min, max]);
    }
  });

  it("of a file are those of its values, over all pages and row groups", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const schema = randomSchema(random, 4, 0);
      const batches = randomBatches(random, schema, random.pick([1, 50, 3000]));
      const { bytes, summary } = await encode(schema, batches, {
        rowGroupRows: random.pick([100, 1_000_000]),
        pageValues: random.pick([50, 1 << 16]),
        dictionary: random.int(2) === 0,
      });
      const file = await openParquet(bytesSource(bytes));
      const footer = file.summary();
      schema.fields.forEach(({ name }, i) => {
        const real = slowBounds(batches, i);
        const told = summary.columns[i]!;
        const place = `${name} of seed ${seed}`;
        expect([place, told.nulls, told.sawNaN ?? false]).toEqual([place, real.nulls, real.sawNaN]);
        // A column with a NaN has no bounds.
        const { min, max } = real.sawNaN ? { min: undefined, max: undefined } : real;
        expect([place, zero(told.min), zero(told.max)]).toEqual([place, zero(min), zero(max)]);
        const read = footer.columns[i]!;
        expect([place, read.nulls, read.values]).toEqual([place, told.nulls, told.values]);
        // The footer may cut bounds, but they still hold.
        expect([place, bounds(read.min, min, read.minTruncated)]).toEqual([place, true]);
        expect([place, bounds(max, read.max, read.maxTruncated)]).toEqual([place, true]);
      });
    }
  });

  const oneColumn = async (type: ColumnType, values: readonly unknown[]) => {
    const schema: Schema = { fields: [{ name: "v", nullable: true, type }] };
    const batch = { schema, length: values.length, columns: [vectorOf(type, values)] };
    const { bytes, summary } = await encode(schema, [batch]);
    const file = await openParquet(bytesSource(bytes));
    return { told: summary.columns[0]!, read: file.rowGroups[0]?.columns[0]!.statistics };
  };

  it("leave NaN and zeros as the format asks", async () => {
    const mixed = await oneColumn({ kind: "float64" }, [1, Number.NaN, 3]);
    expect(mixed.told).toMatchObject({ sawNaN: true });
    expect(mixed.told.min).toBeUndefined();
    expect(mixed.read).toEqual({ nulls: 0 });
    const zeros = await oneColumn({ kind: "float32" }, [0, 0]);
    expect(Object.is(zeros.told.min, -0) && Object.is(zeros.told.max, 0)).toBe(true);
    expect(Object.is(zeros.read?.min, -0) && Object.is(zeros.read?.max, 0)).toBe(true);
    const negative = await oneColumn({ kind: "float64" }, [-0, -1]);
    expect(Object.is(negative.told.max, 0)).toBe(true);
  });

  it("of long text are cut in the footer only, above and below", async () => {
    const long = "ä".repeat(100);
    const { told, read } = await oneColumn({ kind: "string" }, [long, `${long}z`]);
    expect(told.min).toEqual(utf8(long));
    expect(told.max).toEqual(utf8(`${long}z`));
    expect(read).toMatchObject({ minTruncated: true, maxTruncated: true });
    expect(read!.min).toEqual(utf8("ä".repeat(64)));
    expect(read!.max).toEqual(utf8(`${"ä".repeat(63)}å`));
  });

  it("of a column of nulls have no bounds", async () => {
    const { told, read } = await oneColumn({ kind: "int64" }, [null, null]);
    expect(told).toMatchObject({ nulls: 2, values: 0 });
    expect([told.min, read]).toEqual([undefined, { nulls: 2 }]);
  });
});

describe("cut bounds", { timeout: 60_000 }, () => {
  it("hold, are short, and end between characters", () => {
    const random = new Random(7);
    const parts = ["a", "ß", "\u07ff", "\uffff", "퟿", "😀", "\u{10ffff}"];
    for (let i = 0; i < 2000; i++) {
      const text = Array.from({ length: random.int(8) }, () => random.pick(parts)).join("");
      const bytes = utf8(text);
      const below = cutTextBelow(bytes, 3);
      const above = cutTextAbove(bytes, 3);
      const decoder = new TextDecoder("utf-8", { fatal: true });
      expect(points(decoder.decode(below))).toBeLessThanOrEqual(3);
      expect(compareValues(below, bytes)).toBeLessThanOrEqual(0);
      // Nothing is above a prefix of the last characters there are.
      const top = points(text) > 3 && text.startsWith("\u{10ffff}".repeat(3));
      expect([text, above === undefined]).toEqual([text, top]);
      const bound = above ?? utf8("\u{10ffff}".repeat(9));
      expect(compareValues(bound, bytes)).toBeGreaterThanOrEqual(0);
      expect(points(decoder.decode(above))).toBeLessThanOrEqual(3);
      const short = points(text) <= 3;
      expect([below, above]).toEqual(short ? [bytes, bytes] : [below, above]);
    }
  });

  it("of bytes are rounded up or left out", () => {
    expect(cutBytesAbove(Uint8Array.of(1, 255, 3), 2)).toEqual(Uint8Array.of(2));
    expect(cutBytesAbove(Uint8Array.of(255, 255, 3), 2)).toBeUndefined();
    const buffer = Buffer.from([1, 2, 3]);
    expect(cutBytesAbove(buffer, 2)).toEqual(Uint8Array.of(1, 3));
    expect([...buffer]).toEqual([1, 2, 3]);
  });
});
