import { expect, test } from "vitest";
import { WordDictionary, type Words } from "../../src/parquet/word-dictionary.ts";
import { Random } from "./random.ts";

/** Values of `words` words, one behind the other; near ones differ in one bit, so that they lead to places side by side. */
function distinctValues(random: Random, words: Words, count: number): string[] {
  const values = new Set<string>();
  while (values.size < count) {
    const value = Array.from({ length: words }, () => random.pick([0, 1, -1, -(2 ** 31), 0x7ff8_0000]));
    value[random.int(words)] = Math.floor(random.next() * 2 ** random.pick([1, 8, 16, 32])) | 0;
    values.add(value.join());
  }
  return [...values];
}

function wordsOf(values: readonly string[], words: Words): Int32Array {
  const out = new Int32Array(values.length * words);
  values.forEach((value, i) => out.set(value.split(",").map(Number), i * words));
  return out;
}

const cases = ([1, 2, 4] as const).flatMap((words) =>
  [1, 7, 60, 700, 5000].map((distinct) => ({ words, distinct })),
);

test.each(cases)("$distinct values of $words words get an index each, in the order they came", (each) => {
  const { words } = each;
  for (let seed = 1; seed <= 4; seed++) {
    const random = new Random(seed);
    const pool = distinctValues(random, words, each.distinct);
    const dictionary = new WordDictionary(words, 1 << 16);
    for (let round = 0; round < 2; round++) {
      const known = new Map<string, number>();
      for (let batch = 0; batch < 4; batch++) {
        const count = random.pick([0, 1, 255, 256, 3000, 4096, 9000]);
        const values = Array.from({ length: count }, () => random.pick(pool));
        const out = new Int32Array(count + 3).fill(-7);
        expect(dictionary.index(wordsOf(values, words), count, out, 2)).toBe(count);
        const right = Int32Array.from(values, (value) => {
          if (!known.has(value)) known.set(value, known.size);
          return known.get(value)!;
        });
        const place = `seed ${seed}, round ${round}, batch ${batch}`;
        expect(Buffer.compare(Buffer.from(right.buffer), bytesOf(out, 2, count)), place).toBe(0);
        expect([out[0], out[1], out[count + 2]]).toEqual([-7, -7, -7]);
        expect(dictionary.size).toBe(known.size);
      }
      const entries = wordsOf([...known.keys()], words);
      expect(
        Buffer.compare(Buffer.from(entries.buffer), bytesOf(dictionary.entries, 0, entries.length)),
      ).toBe(0);
      dictionary.clear();
    }
  }
});

test.each([1, 2, 4] as const)(
  "it stops before the value for which there is no room, of %i words",
  (words) => {
    const random = new Random(words);
    const pool = distinctValues(random, words, 2000);
    for (const [distinct, limit] of [
      [10, 9],
      [10, 10],
      [300, 299],
      [2000, 100],
      [2000, 1500],
    ] as const) {
      const values = Array.from({ length: 5000 }, (_, i) => pool[(i >> 1) % distinct]!);
      const dictionary = new WordDictionary(words, limit);
      const out = new Int32Array(5000);
      const done = dictionary.index(wordsOf(values, words), 5000, out, 0);
      expect(done).toBe(limit < distinct ? 2 * limit : 5000);
      const right = Int32Array.from({ length: done }, (_, i) => (i >> 1) % distinct);
      expect(Buffer.compare(Buffer.from(right.buffer), bytesOf(out, 0, done))).toBe(0);
      expect(dictionary.size).toBe(Math.min(distinct, limit));
    }
  },
);

function bytesOf(words: Int32Array, start: number, count: number): Buffer {
  return Buffer.from(words.buffer, words.byteOffset + 4 * start, 4 * count);
}
