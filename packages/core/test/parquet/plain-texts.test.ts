import { expect, test } from "vitest";
import { decodePlainTexts } from "../../src/parquet/plain-texts.ts";
import { takeOwn } from "../../src/parquet/page-memory.ts";
import { Random } from "./random.ts";

/** Texts as they stand in a page, behind `prefix` other bytes. */
function pageOf(texts: readonly Uint8Array[], prefix: number): Uint8Array {
  const parts: Uint8Array[] = [Buffer.alloc(prefix, 0x7f)];
  for (const text of texts) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    parts.push(length, text);
  }
  return Buffer.concat(parts);
}

const lengths = [0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 100, 255, 256, 257, 1000];

function textsOf(random: Random, count: number, longest: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const length = random.int(200) === 0 ? random.int(longest) : random.pick(lengths);
    return Uint8Array.from({ length }, () => random.int(256));
  });
}

test.each([1, 2, 3, 4, 5, 6])("texts come out as they were put in, seed %i", (seed) => {
  const random = new Random(seed);
  const count = random.pick([0, 1, 2, 300, 8192, 8193, 20_000]);
  const texts = textsOf(random, count, random.pick([10, 5000, 20_000]));
  const prefix = random.int(9);
  const { offsets, data } = decodePlainTexts(pageOf(texts, prefix), prefix, count, takeOwn);
  expect(offsets.length).toBe(count + 1);
  expect(Buffer.compare(Buffer.concat(texts), data)).toBe(0);
  let end = 0;
  const ends = texts.map(({ length }) => (end += length));
  expect(Buffer.compare(Buffer.from(Int32Array.of(0, ...ends).buffer), Buffer.from(offsets.buffer))).toBe(0);
});

test("one that is longer than all that is looked at together", () => {
  const texts = [Buffer.from("a"), Buffer.alloc(700_000, "b"), Buffer.from("c"), Buffer.alloc(524_288, "d")];
  const { offsets, data } = decodePlainTexts(pageOf(texts, 0), 0, 4, takeOwn);
  expect([...offsets]).toEqual([0, 1, 700_001, 700_002, 1_224_290]);
  expect(Buffer.compare(Buffer.concat(texts), data)).toBe(0);
});

test("a page may go on behind its texts", () => {
  const { offsets, data } = decodePlainTexts(
    pageOf([Buffer.from("ab"), Buffer.from("c"), Buffer.alloc(9)], 0),
    0,
    2,
    takeOwn,
  );
  expect([...offsets]).toEqual([0, 2, 3]);
  expect(Buffer.from(data).toString()).toBe("abc");
});

test("a page that is cut off anywhere is refused", () => {
  const texts = ["", "one", "four", "x".repeat(40)].map((text) => Buffer.from(text));
  const page = pageOf(texts, 0);
  for (let size = 0; size < page.length; size++)
    expect(() => decodePlainTexts(page.subarray(0, size), 0, texts.length, takeOwn), `${size} bytes`).toThrow(
      expect.objectContaining({ code: "ALV_FILE_INVALID" }),
    );
  expect(() => decodePlainTexts(page, 0, texts.length + 1, takeOwn)).toThrow("a page of texts is cut off");
});

test.each([0xffff_ffff, 0x8000_0000, 0x7fff_ffff, 41, 100_000])(
  "a text that says it has %i bytes is refused",
  (length) => {
    const page = Buffer.from(
      pageOf(
        ["ab", "x".repeat(40)].map((text) => Buffer.from(text)),
        0,
      ),
    );
    page.writeUInt32LE(length, 6);
    expect(() => decodePlainTexts(page, 0, 2, takeOwn)).toThrow(`a page holds a text of ${length} bytes`);
  },
);

test.each([10, 600_000])("a first text of %i bytes that leaves no room for others is refused", (length) => {
  expect(() => decodePlainTexts(pageOf([Buffer.alloc(length)], 0), 0, 2, takeOwn)).toThrow(
    "a page of texts is cut off",
  );
});
