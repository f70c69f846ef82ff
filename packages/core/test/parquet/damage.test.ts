import { describe, expect, it } from "vitest";
import { AlluviumError } from "../../src/errors.ts";
import { bytesSource, openParquet, type Compression } from "../../src/parquet/index.ts";
import { randomBatches, randomSchema, Random } from "./random.ts";
import { encode, valuesOf } from "./values.ts";

const codes: readonly string[] = ["ALV_FILE_INVALID", "ALV_UNSUPPORTED", "ALV_VALUE_UNREPRESENTABLE"];

/** Opens and reads all; whatever goes wrong must be an error of ours. */
async function readAll(bytes: Uint8Array): Promise<"read" | "refused"> {
  try {
    const file = await openParquet(bytesSource(bytes), { name: "damaged.parquet" });
    file.summary();
    let rows = 0;
    for await (const batch of file.read()) {
      rows += batch.length;
      if (rows > 1_000_000) break;
      for (const column of batch.columns) valuesOf(column);
    }
    return "read";
  } catch (error) {
    if (!AlluviumError.is(error)) throw error;
    if (!codes.includes(error.code) || !error.message.includes("damaged.parquet")) throw error;
    return "refused";
  }
}

describe("a damaged file", () => {
  const seed = Number(process.env["ALLUVIUM_SEED"] ?? 4711);
  it(`is refused or read, never anything else (seed ${seed})`, { timeout: 120_000 }, async () => {
    const random = new Random(seed);
    let refused = 0;
    for (let round = 0; round < 30; round++) {
      const schema = randomSchema(random, 3, 2);
      const { bytes } = await encode(schema, randomBatches(random, schema, 300), {
        compression: random.pick<Compression>(["zstd", "snappy", "gzip", "none"]),
        pageValues: 100,
        pageChecksums: false,
      });
      const footer = Buffer.from(bytes).readUInt32LE(bytes.length - 8);
      for (let i = 0; i < 25; i++) {
        const damaged = new Uint8Array(bytes);
        for (let hits = 1 + random.int(4); hits > 0; hits--) {
          // The footer is hit as often as all the rest.
          const inFooter = random.int(2) === 0;
          const at = inFooter ? bytes.length - 1 - random.int(footer + 8) : random.int(bytes.length);
          damaged[at] = random.pick([0, 255, damaged[at]! ^ (1 << random.int(8)), random.int(256)]);
        }
        try {
          if ((await readAll(damaged)) === "refused") refused++;
        } catch (error) {
          throw new Error(`round ${round}, try ${i} of seed ${seed}`, { cause: error });
        }
      }
      // Cut off anywhere.
      expect(await readAll(bytes.subarray(0, random.int(bytes.length)))).toBe("refused");
    }
    expect(refused).toBeGreaterThan(200);
  });

  it("is found out by its checksums wherever a page was hit", async () => {
    const random = new Random(5);
    const schema = randomSchema(random, 2, 0);
    const { bytes } = await encode(schema, randomBatches(random, schema, 500), {
      compression: "none",
      pageChecksums: true,
      pageValues: 50,
    });
    const footer = Buffer.from(bytes).readUInt32LE(bytes.length - 8);
    let found = 0;
    for (let at = 4; at < bytes.length - footer - 8; at += 13) {
      const damaged = new Uint8Array(bytes);
      damaged[at]! ^= 0x10;
      if ((await readAll(damaged)) === "refused") found++;
      else found += 0.001;
    }
    // Only a bit of a page header that means nothing may pass.
    const tries = Math.ceil((bytes.length - footer - 12) / 13);
    expect(found).toBeGreaterThan(tries * 0.95);
  });

  it("says what it is when it is no Parquet file", async () => {
    const message = async (bytes: Uint8Array) =>
      openParquet(bytesSource(bytes), { name: "x" }).then(
        () => "opened",
        (error: AlluviumError) => `${error.code} ${error.message}`,
      );
    expect(await message(new Uint8Array(5))).toMatch(/^ALV_FILE_INVALID x: it has 5 bytes/);
    expect(await message(Buffer.from("this,is,a,csv,file\n"))).toMatch(/^ALV_FILE_INVALID x: it ends with/);
    expect(await message(Buffer.from("PAR1....\u0000\u0000\u0000\u0000PARE"))).toMatch(
      /^ALV_UNSUPPORTED x: .*encrypted/,
    );
    expect(await message(Buffer.from("PAR1....\u00ff\u00ff\u0000\u0000PAR1", "latin1"))).toMatch(
      /^ALV_FILE_INVALID x: its footer is said to have 65535 bytes/,
    );
  });
});
