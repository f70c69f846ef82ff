import { zstdDecompressSync } from "node:zlib";
import { compressors, decompressSnappy } from "hyparquet-compressors";
import { describe, expect, it } from "vitest";
import { unpackBits } from "../../src/parquet/bitpack.ts";
import { ByteCursor, decodeDelta32, decodeDelta64 } from "../../src/parquet/delta-decode.ts";
import { hybridBound } from "../../src/parquet/hybrid.ts";
import { readHybrid } from "../../src/parquet/hybrid-read.ts";
import { bounds32, bounds64, deltaBound, encodeDelta, encodeHybrid } from "../../src/parquet/integers.ts";
import { hadoopLz4Decompress, lz4Decompress } from "../../src/parquet/lz4.ts";
import { snappyDecompress } from "../../src/parquet/snappy.ts";
import { snappyCompress } from "../../src/parquet/snappy-compress.ts";
import { storedFrame, zstdCompressor } from "../../src/parquet/zstd.ts";
import { Random } from "./random.ts";

/** Bytes between random and repetitive. */
function someBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const alphabet = random.pick([1, 3, 40, 256]);
  for (let i = 0; i < length;)
    if (i > 4 && random.int(3) === 0) {
      const from = random.int(i);
      for (let n = random.int(300); n > 0 && i < length; n--, i++) bytes[i] = bytes[from + (i % (i - from))]!;
    } else for (let n = random.int(60); n >= 0 && i < length; n--) bytes[i++] = random.int(alphabet);
  return bytes;
}

describe("Snappy", { timeout: 60_000 }, () => {
  it("gives back what was compressed, also by another implementation", () => {
    const random = new Random(11);
    for (let i = 0; i < 120; i++) {
      const bytes = someBytes(
        random,
        random.pick([0, 1, 14, 15, 16, 100, 5000, 65_535, 65_536, 65_537, 200_000]),
      );
      const packed = snappyCompress(bytes);
      expect(Buffer.compare(snappyDecompress(packed, bytes.length), bytes)).toBe(0);
      // The other one refuses the empty block.
      const other = bytes.length === 0 ? bytes : decompressSnappy(packed, bytes.length);
      expect(Buffer.compare(Uint8Array.from(other), bytes)).toBe(0);
    }
    const repetitive = new Uint8Array(100_000).map((_, i) => (i % 100 < 90 ? 7 : i % 13));
    expect(snappyCompress(repetitive).length).toBeLessThan(15_000);
  });

  it("refuses damage", () => {
    const random = new Random(12);
    const packed = snappyCompress(someBytes(random, 3000));
    expect(() => snappyDecompress(packed, 2999)).toThrow(/announces 3000 bytes/);
    for (let i = 0; i < 2000; i++) {
      const damaged = packed.slice(0, random.int(3) === 0 ? random.int(packed.length) : packed.length);
      if (damaged.length > 0) damaged[random.int(damaged.length)] = random.int(256);
      let code: unknown = "ALV_FILE_INVALID";
      try {
        expect(snappyDecompress(damaged, 3000)).toHaveLength(3000);
      } catch (error) {
        ({ code } = error as { code: unknown });
      }
      expect(code).toBe("ALV_FILE_INVALID");
    }
  });
});

/** An LZ4 block: literals as `someBytes` draws them, copies of what came before at random. */
function lz4Block(random: Random, size: number): { readonly packed: Uint8Array; readonly plain: Uint8Array } {
  const packed: number[] = [];
  const plain: number[] = [];
  const lengthOf = (length: number): void => {
    for (let rest = length - 15; rest >= 0; rest -= 255) packed.push(Math.min(rest, 255));
  };
  while (plain.length < size) {
    const literals = someBytes(random, 1 + random.int(random.pick([4, 40, 700])));
    const copied = random.int(random.pick([5, 40, 700]));
    packed.push((Math.min(literals.length, 15) << 4) | Math.min(copied, 15));
    lengthOf(literals.length);
    packed.push(...literals);
    plain.push(...literals);
    const offset = 1 + random.int(Math.min(plain.length, 65_535));
    packed.push(offset & 255, offset >> 8);
    lengthOf(copied);
    for (let i = copied + 4; i > 0; i--) plain.push(plain[plain.length - offset]!);
  }
  packed.push(16 * 5, 1, 2, 3, 4, 5);
  plain.push(1, 2, 3, 4, 5);
  return { packed: Uint8Array.from(packed), plain: Uint8Array.from(plain) };
}

/** Blocks as Hadoop frames them, `each` of them in one part. */
function hadoopFrames(blocks: readonly ReturnType<typeof lz4Block>[], each: number): Uint8Array {
  const out: Buffer[] = [];
  const number = (value: number): void =>
    void out.push(Buffer.of(value >> 24, value >> 16, value >> 8, value));
  for (let i = 0; i < blocks.length; i += each) {
    const part = blocks.slice(i, i + each);
    number(part.reduce((sum, { plain }) => sum + plain.length, 0));
    for (const { packed } of part) {
      number(packed.length);
      out.push(Buffer.from(packed));
    }
  }
  return Buffer.concat(out);
}

describe("LZ4", { timeout: 60_000 }, () => {
  it("is unpacked as another implementation does, bare and framed", () => {
    const random = new Random(21);
    for (let i = 0; i < 60; i++) {
      const blocks = Array.from({ length: 1 + random.int(4) }, () =>
        lz4Block(random, random.pick([1, 100, 5000, 100_000])),
      );
      const { packed, plain } = blocks[0]!;
      expect(Buffer.compare(lz4Decompress(packed, plain.length), plain)).toBe(0);
      expect(Buffer.compare(compressors.LZ4_RAW!(packed, plain.length), plain)).toBe(0);
      const framed = hadoopFrames(blocks, 1 + random.int(2));
      const whole = Buffer.concat(blocks.map((block) => block.plain));
      expect(Buffer.compare(hadoopLz4Decompress(framed, whole.length), whole)).toBe(0);
      // What Arrow wrote under the same name before it knew of the frames.
      expect(Buffer.compare(hadoopLz4Decompress(packed, plain.length), plain)).toBe(0);
    }
  });

  it("refuses damage", () => {
    const random = new Random(22);
    const { packed, plain } = lz4Block(random, 3000);
    expect(() => lz4Decompress(packed, plain.length + 1)).toThrow(/unpacks to/);
    expect(() => lz4Decompress(packed, 1e9)).toThrow(/cannot unpack/);
    for (let i = 0; i < 2000; i++) {
      const damaged = packed.slice(0, random.int(3) === 0 ? random.int(packed.length) : packed.length);
      if (damaged.length > 0) damaged[random.int(damaged.length)] = random.int(256);
      for (const unpack of [lz4Decompress, hadoopLz4Decompress]) {
        let code: unknown = "ALV_FILE_INVALID";
        try {
          expect(unpack(damaged, plain.length)).toHaveLength(plain.length);
        } catch (error) {
          ({ code } = error as { code: unknown });
        }
        expect(code).toBe("ALV_FILE_INVALID");
      }
    }
  });
});

describe("zstd", { timeout: 60_000 }, () => {
  it("makes one whole frame of each page, whatever runs at once", async () => {
    const random = new Random(13);
    const compress = zstdCompressor(1);
    const pages = Array.from({ length: 40 }, () => someBytes(random, 1 + random.int(700_000)));
    const frames = await Promise.all(pages.map(compress));
    frames.forEach((frame, i) => expect(Buffer.compare(zstdDecompressSync(frame), pages[i]!)).toBe(0));
  });

  it("wraps bytes that do not shrink", () => {
    const random = new Random(14);
    for (const size of [1, 131_071, 131_072, 131_073, 400_000]) {
      const bytes = someBytes(random, size);
      const frame = storedFrame(bytes);
      expect(frame.length).toBeLessThan(size + 30);
      expect(Buffer.compare(zstdDecompressSync(frame), bytes)).toBe(0);
      expect(Buffer.compare(compressors.ZSTD!(frame, size), bytes)).toBe(0);
    }
  });
});

describe("packed bits", { timeout: 60_000 }, () => {
  it("are read at every width", () => {
    const random = new Random(15);
    // Few are unpacked at once, many by a kernel, very many in memory that is not kept.
    const counts = [1, 7, 8, 77, 127, 128, 129, 135, 5000];
    for (let width = 1; width <= 32; width++)
      for (const count of width === 5 ? [...counts, 2_500_001] : counts) {
        const values = Int32Array.from({ length: count }, () => Math.floor(random.next() * 2 ** width) | 0);
        const bytes = new Uint8Array(3 + Math.ceil((count * width) / 8) + 2).fill(0xaa);
        bytes.set(packed(values, width), 3);
        for (const back of width <= 8
          ? [new Int32Array(count + 2), new Uint8Array(count + 2)]
          : [new Int32Array(count + 2)]) {
          unpackBits(bytes, 3, width, back, 1, count);
          const read = Int32Array.from(back.subarray(1, count + 1));
          expect(Buffer.compare(Buffer.from(read.buffer), Buffer.from(values.buffer))).toBe(0);
          expect([back[0], back[count + 1]]).toEqual([0, 0]);
        }
      }
  });

  it("are written as one run where values do not repeat, zeros behind them", () => {
    const random = new Random(18);
    for (let width = 1; width <= 32; width++)
      for (const count of [1, 7, 8, 9, 100, 2047, 2048, 9000]) {
        // Neighbours differ.
        let last = 0;
        const values = Int32Array.from({ length: count }, () => {
          const value = Math.floor(random.next() * 2 ** width) | 0;
          return (last = value === last ? value ^ 1 : value);
        });
        const out = new Uint8Array(2 + hybridBound(count, width)).fill(0xaa);
        const end = encodeHybrid(values, count, width, out, 2);
        const groups = (count + 7) >> 3;
        const header =
          groups < 64 ? [2 * groups + 1] : [((2 * groups + 1) & 127) | 128, (2 * groups + 1) >> 7];
        const bits = new Uint8Array(groups * width);
        bits.set(packed(values, width));
        expect(Buffer.compare(Uint8Array.of(...header, ...bits), out.subarray(2, end))).toBe(0);
        expect([out[0], out[1], out[end]]).toEqual([0xaa, 0xaa, 0xaa]);
      }
  });

  it("of equal values are runs", () => {
    for (const [count, width, value, bytes] of [
      [8, 3, 5, [16, 5]],
      [64, 8, 255, [0x80, 1, 255]],
      [10_000, 0, 0, [0xa0, 0x9c, 1]],
      [10_000, 9, 300, [0xa0, 0x9c, 1, 44, 1]],
      [10_000, 32, -2, [0xa0, 0x9c, 1, 254, 255, 255, 255]],
      // Too short for a run.
      [7, 1, 1, [3, 0x7f]],
    ] as const) {
      const out = new Uint8Array(hybridBound(count, width));
      const end = encodeHybrid(new Int32Array(count).fill(value), count, width, out, 0);
      expect([...out.subarray(0, end)]).toEqual(bytes);
    }
    // The run fills up the group of the three before it, and the rest is packed.
    const mixed = Uint8Array.of(1, 2, 3, ...Array.from({ length: 20 }, () => 1), 2, 2);
    const out = new Uint8Array(hybridBound(mixed.length, 2));
    const end = encodeHybrid(mixed, mixed.length, 2, out, 0);
    expect([...out.subarray(0, end)]).toEqual([3, 0b01_11_10_01, 0b01_01_01_01, 30, 1, 3, 0b10_10, 0]);
    // Of what is left of this one after that, seven, a run would be no shorter.
    const short = mixed.subarray(0, 15);
    expect([...out.subarray(0, encodeHybrid(short, 15, 2, out, 0))]).toEqual([
      5, 0b01_11_10_01, 0x55, 0x55, 0x15,
    ]);
  });

  it("come back through runs, and stay within the bound", () => {
    const random = new Random(16);
    for (let i = 0; i < 400; i++) {
      const width = random.pick([0, 1, 2, 7, 8, 9, 17, 31, 32]);
      const runs = random.pick([1, 7, 9, 30, 1000]);
      const count = random.pick([0, 1, 8, 9, 1000, 2048, 5000]);
      const values = width <= 8 && random.int(2) === 0 ? new Uint8Array(count) : new Int32Array(count);
      for (let at = 0; at < count;) {
        const value = Math.floor(random.next() * 2 ** width);
        for (let n = random.int(runs) + 1; n > 0 && at < count; n--) values[at++] = value;
      }
      const out = new Uint8Array(hybridBound(count, width));
      const end = encodeHybrid(values, count, width, out, 0);
      expect(end).toBeLessThanOrEqual(out.length);
      const back = new Int32Array(count);
      expect(readHybrid(out, 0, end, width, back, count)).toBe(end);
      expect(Buffer.compare(Buffer.from(back.buffer), Buffer.from(Int32Array.from(values).buffer))).toBe(0);
    }
  });

  /** Values packed bit by bit. */
  function packed(values: Int32Array, width: number): Uint8Array {
    const bytes = new Uint8Array(Math.ceil((values.length * width) / 8));
    let at = 0;
    for (const value of values)
      for (let bit = 0; bit < width; bit++, at++) bytes[at >> 3]! |= ((value >>> bit) & 1) << (at & 7);
    return bytes;
  }
});

describe("bounds of integers", () => {
  it("are the least and the greatest", () => {
    const random = new Random(19);
    for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 1000])
      for (let i = 0; i < 20; i++) {
        const values = Int32Array.from({ length: count + 1 }, () =>
          random.int(9) === 0
            ? random.pick([-(2 ** 31), 2 ** 31 - 1, 0, -1])
            : Math.floor(random.next() * 2 ** 32),
        );
        const found = [...values.subarray(0, count)];
        expect(bounds32(values, count)).toEqual({ min: Math.min(...found), max: Math.max(...found) });
      }
  });
});

describe("packed differences", { timeout: 60_000 }, () => {
  it("of 32 bits come back with their extremes", () => {
    const random = new Random(17);
    for (let i = 0; i < 200; i++) {
      const count = random.pick([0, 1, 2, 32, 33, 128, 129, 130, 1000]);
      const range = random.pick([1, 100, 2 ** 31, 2 ** 32]);
      const values = Int32Array.from({ length: count }, (_, at) =>
        random.int(50) === 0
          ? random.pick([-(2 ** 31), 2 ** 31 - 1])
          : range === 1
            ? at
            : (random.next() * range) | 0,
      );
      const out = new Uint8Array(deltaBound(count, 1));
      const end = encodeDelta(values, count, 1, out, 0);
      const cursor = new ByteCursor(out, 0, end);
      expect(decodeDelta32(cursor, count)).toEqual(values);
      expect(cursor.at).toBe(end);
    }
  });

  it("of 64 bits come back with their extremes, and have the bounds that they have", () => {
    const random = new Random(18);
    const extremes = [-(2n ** 63n), 2n ** 63n - 1n, -1n, 0n, 2n ** 53n + 1n, -(2n ** 32n), 2n ** 31n];
    for (let i = 0; i < 300; i++) {
      const count = random.pick([1, 2, 32, 33, 128, 129, 130, 700]);
      const range = 2 ** random.pick([0, 1, 20, 31, 32, 33, 45, 52, 63, 64]);
      const some = random.int(2) === 0;
      const values = BigInt64Array.from({ length: count }, (_, at) =>
        some && random.int(20) === 0
          ? random.pick(extremes)
          : range === 1
            ? BigInt(at)
            : BigInt.asIntN(64, BigInt(Math.round((random.next() - 0.5) * range))),
      );
      const words = new Int32Array(values.buffer);
      const out = new Uint8Array(deltaBound(count, 2));
      const end = encodeDelta(words, count, 2, out, 0);
      expect(end).toBeLessThanOrEqual(out.length);
      const cursor = new ByteCursor(out, 0, end);
      expect(decodeDelta64(cursor, count)).toEqual(values);
      expect(cursor.at).toBe(end);
      const sorted = values.toSorted();
      expect(bounds64(words, count)).toEqual({ min: sorted[0], max: sorted[count - 1] });
    }
  });
});
