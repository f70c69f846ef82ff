import { describe, expect, it } from "vitest";
import type { Compression } from "../../src/parquet/index.ts";
import { randomBatches, randomSchema, Random } from "./random.ts";
import { decode, encode, firstDifference, valuesOf } from "./values.ts";

const compressions: readonly Compression[] = ["zstd", "snappy", "gzip", "none"];

/** Writes random rows of a random schema with random settings and reads them again. */
async function roundTrip(seed: number): Promise<void> {
  const random = new Random(seed);
  const schema = randomSchema(random, 1 + random.int(6), random.pick([0, 1, 3]));
  const rows = random.pick([0, 1, 8, 100, 2500, 9_500]);
  const batches = randomBatches(random, schema, rows);
  const { bytes, summary } = await encode(schema, batches, {
    compression: random.pick(compressions),
    rowGroupRows: random.pick([1, 777, 1_000_000]) === 1 && rows > 200 ? 50 : random.pick([777, 1_000_000]),
    rowGroupBytes: random.pick([4096, 1 << 24]),
    pageBytes: random.pick([64, 2000, 1 << 19]),
    pageValues: random.pick([13, 1000, 1 << 16]),
    dictionary: random.int(3) > 0,
    delta: random.int(3) > 0,
    pageChecksums: random.int(2) === 0,
  });
  const { schema: read, columns } = await decode(bytes, {
    batchRows: random.pick([1 + random.int(50), 16_384]),
    dictionaries: random.int(2) === 0,
  });
  expect(summary.rows).toBe(rows);
  expect(summary.bytes).toBe(bytes.length);
  expect(read.fields).toEqual(schema.fields);
  schema.fields.forEach(({ name }, i) => {
    const written = batches.flatMap((batch) => valuesOf(batch.columns[i]!));
    const row = firstDifference(columns[name] ?? [], written);
    expect([name, row, columns[name]?.[row]]).toEqual([name, -1, undefined]);
  });
}

describe("what the encoder writes", () => {
  const first = Number(process.env["ALLUVIUM_SEED"] ?? 20_261_121);
  it(`is what the decoder reads (seeds from ${first} on)`, { timeout: 120_000 }, async () => {
    expect.hasAssertions();
    for (let i = 0; i < 60; i++)
      try {
        await roundTrip(first + i);
      } catch (error) {
        throw new Error(`seed ${first + i}: ${String(error)}`, { cause: error });
      }
  });
});
