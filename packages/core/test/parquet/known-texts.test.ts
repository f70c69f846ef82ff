import { vectorOf } from "@alluvium/core/columns";
import { expect, test } from "vitest";
import type { BytesVector } from "../../src/columns/vector.ts";
import { KnownTexts } from "../../src/parquet/known-texts.ts";
import { Random } from "./random.ts";

function bytesOf(values: readonly string[]): BytesVector {
  return vectorOf({ kind: "string" }, values) as BytesVector;
}

/** Texts that differ in one place only, of every length about those at which comparing goes another way. */
function alike(random: Random, count: number): string[] {
  const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 25, 55, 56, 57, 300];
  return [
    ...new Set(
      Array.from({ length: count }, () => {
        const text = Array.from({ length: random.pick(lengths) }, () => "x");
        if (text.length > 0) text[random.int(text.length)] = random.pick(["x", "y", "é"]);
        return text.join("");
      }),
    ),
  ];
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])("every value gets the index of its like, seed %i", (seed) => {
  const random = new Random(seed);
  const distinct = alike(random, random.pick([1, 3, 20, 100, 400]));
  const indexes = new Map(distinct.map((value, i) => [value, i]));
  const texts = new KnownTexts();
  for (let batch = 0; batch < 6; batch++) {
    const values = Array.from({ length: random.pick([256, 1000, 9000, 20_000]) }, () =>
      random.pick(distinct),
    );
    const vector = bytesOf(values);
    const out = new Int32Array(values.length + 3).fill(-7);
    const start = random.int(100);
    const stopped = texts.index(vector, start, values.length, out, 2, (row) => indexes.get(values[row]!)!);
    expect(stopped).toBeGreaterThanOrEqual(start);
    const right = Int32Array.from(values.slice(start, stopped), (value) => indexes.get(value)!);
    expect(
      Buffer.compare(Buffer.from(right.buffer), Buffer.from(out.slice(2, 2 + right.length).buffer)),
    ).toBe(0);
    expect(out[2 + stopped - start]).toBe(-7);
  }
});

test("it stops where there is no index, and for good where nearly all values are new", () => {
  const values = Array.from({ length: 5000 }, (_, i) => `value ${i}`);
  const vector = bytesOf(values);
  const out = new Int32Array(5000);
  expect(new KnownTexts().index(vector, 0, 5000, out, 0, (row) => (row < 300 ? row : -1))).toBe(300);
  const texts = new KnownTexts();
  let asked = 0;
  const stopped = texts.index(vector, 0, 5000, out, 0, (row) => (asked++, row));
  expect(stopped).toBeLessThan(1000);
  expect(asked).toBe(stopped);
  expect([...out.subarray(0, stopped)]).toEqual(Array.from({ length: stopped }, (_, i) => i));
  expect(texts.index(vector, stopped, 5000, out, stopped, () => expect.unreachable())).toBe(stopped);
});

test("few values are told whole, up to what is too little for it", () => {
  const values = Array.from(
    { length: 20_000 },
    (_, i) => ["DELIVER IN PERSON        ", "NONE", "", "AIR"][i % 4]!,
  );
  const texts = new KnownTexts();
  let asked = 0;
  const stopped = texts.index(
    bytesOf(values),
    0,
    20_000,
    new Int32Array(20_000),
    0,
    (row) => (asked++, row % 4),
  );
  expect(20_000 - stopped).toBeLessThan(256);
  expect(asked).toBe(4);
});
