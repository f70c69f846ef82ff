import { describe, expect, it, vi } from "vitest";
import { AlluviumError } from "../../src/errors.ts";
import { snappyDecompress } from "../../src/parquet/snappy.ts";
import { Random } from "./random.ts";

/** A block under construction: its elements, and how many bytes they unpack to. */
class Elements {
  readonly bytes: number[] = [];
  size = 0;

  /** A literal whose length stands in the tag, or in `form` bytes behind it. */
  literal(content: ArrayLike<number>, form: number = formsOf(content.length)[0]!): this {
    const last = content.length - 1;
    this.bytes.push(form === 0 ? last << 2 : (59 + form) << 2);
    for (let i = 0; i < form; i++) this.bytes.push((last >>> (8 * i)) & 255);
    for (let i = 0; i < content.length; i++) this.bytes.push(content[i]!);
    this.size += content.length;
    return this;
  }

  /** A copy with an offset of 11 (kind 1), 16 (2) or 32 bits (3). */
  copy(kind: number, offset: number, length: number): this {
    if (kind === 1) this.bytes.push(((offset >> 8) << 5) | ((length - 4) << 2) | 1, offset & 255);
    else {
      this.bytes.push(((length - 1) << 2) | kind);
      for (let i = 0; i < (kind === 2 ? 2 : 4); i++) this.bytes.push((offset >>> (8 * i)) & 255);
    }
    this.size += length;
    return this;
  }

  /** The block, which says that it unpacks to `size` bytes. */
  block(size: number = this.size): Uint8Array {
    const head: number[] = [];
    let rest = size;
    for (; rest > 127; rest = Math.floor(rest / 128)) head.push((rest & 127) | 128);
    const block = new Uint8Array(head.length + 1 + this.bytes.length);
    block.set([...head, rest]);
    block.set(this.bytes, head.length + 1);
    return block;
  }
}

/** In how many bytes behind the tag a literal's length may stand; 0: in the tag. */
function formsOf(length: number): readonly number[] {
  return [0, 1, 2, 3, 4].filter((form) => length <= (form === 0 ? 60 : 2 ** (8 * form)));
}

/** The kinds of copies that there are of an offset and a length. */
function kindsOf(offset: number, length: number): readonly number[] {
  const kinds = offset < 65_536 ? [2, 3] : [3];
  return offset < 2048 && length >= 4 && length <= 11 ? [1, ...kinds] : kinds;
}

/** What a block unpacks to, byte by byte, or what is damaged about it. */
function reference(input: Uint8Array, size: number): Uint8Array | string {
  let at = 0;
  let announced = 0;
  for (let i = 0; ; i++) {
    if (i === 5 || at === input.length) return "its length cannot be read";
    const byte = input[at++]!;
    announced += (byte % 128) * 128 ** i;
    if (byte < 128) break;
  }
  if (announced !== size) return `it announces ${announced} bytes where ${size} are expected`;
  if (size > 22 * input.length + 64) return `${input.length} bytes cannot unpack to ${size}`;
  const out: number[] = [];
  const number = (bytes: number): number => {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += input[at++]! * 256 ** i;
    return value;
  };
  while (at < input.length) {
    const tag = input[at++]!;
    const kind = tag % 4;
    let length = (tag >> 2) + 1;
    if (kind === 0) {
      if (length > 60) {
        if (at + length - 60 > input.length) return "it ends within a literal";
        length = number(length - 60) + 1;
      }
      if (at + length > input.length || out.length + length > size) return "a literal is too long";
      for (let i = 0; i < length; i++) out.push(input[at++]!);
    } else {
      const bytes = [0, 1, 2, 4][kind]!;
      if (at + bytes > input.length) return "it ends within a copy";
      let offset = number(bytes);
      if (kind === 1) {
        offset += (tag >> 5) * 256;
        length = ((tag >> 2) % 8) + 4;
      }
      if (offset < 1 || offset > out.length || out.length + length > size)
        return "a copy points outside of it";
      for (let i = 0; i < length; i++) out.push(out[out.length - offset]!);
    }
  }
  return out.length === size
    ? Uint8Array.from(out)
    : `it unpacks to ${out.length} bytes where ${size} are expected`;
}

/** What ours makes of a block; any error but the one for damage is thrown. */
function unpack(input: Uint8Array, size: number): Uint8Array | string {
  try {
    return snappyDecompress(input, size);
  } catch (error) {
    if (!AlluviumError.is(error) || error.code !== "ALV_FILE_INVALID") throw error;
    return error.message.replace("the Snappy block is damaged: ", "");
  }
}

/** What `actual` has otherwise than expected, if anything: `toEqual` takes seconds for large arrays. */
function difference(actual: Uint8Array | string, expected: Uint8Array | string): string | undefined {
  if (typeof actual === "string" || typeof expected === "string")
    return actual === expected ? undefined : `${outcome(actual)} in place of ${outcome(expected)}`;
  if (Buffer.compare(actual, expected) === 0) return undefined;
  const at = expected.findIndex((byte, i) => actual[i] !== byte);
  return `${actual.length} bytes in place of ${expected.length}, others from ${at} on`;
}

function outcome(unpacked: Uint8Array | string): string {
  return typeof unpacked === "string" ? `"${unpacked}"` : `${unpacked.length} bytes`;
}

/** What ours makes of a block otherwise than the reference, if anything. */
function deviation(input: Uint8Array, size: number): string | undefined {
  return difference(unpack(input, size), reference(input, size));
}

function randomContent(random: Random, length: number): Uint8Array {
  return new Uint8Array(length).map(() => random.int(256));
}

/** Elements of all kinds, lengths and forms, near one another and far away. */
function randomElements(random: Random, count: number): Elements {
  const elements = new Elements();
  for (let i = 0; i < count; i++) {
    if (elements.size === 0 || random.int(3) === 0) {
      const length = 1 + random.int(random.pick([4, 16, 61, 300, random.int(8) === 0 ? 70_000 : 61]));
      elements.literal(randomContent(random, length), random.pick(formsOf(length)));
      continue;
    }
    const offset = Math.min(elements.size, 1 + random.int(random.pick([3, 20, 2048, 65_536, elements.size])));
    const length = 1 + random.int(random.pick([11, 64]));
    elements.copy(random.pick(kindsOf(offset, length)), offset, length);
  }
  return elements;
}

const seed = Number(process.env["ALLUVIUM_SEED"] ?? 4711);

describe("Snappy's elements", { timeout: 60_000 }, () => {
  it("are copied at every offset and length, also into themselves", () => {
    const random = new Random(1);
    for (let offset = 1; offset <= 40; offset++)
      for (let length = 1; length <= 64; length++)
        for (const kind of kindsOf(offset, length)) {
          const what = `kind ${kind}, offset ${offset}, length ${length}`;
          // From the very first byte, and from within.
          for (const before of [offset, offset + 23]) {
            const elements = new Elements().literal(randomContent(random, before)).copy(kind, offset, length);
            expect(deviation(elements.block(), elements.size), what).toBeUndefined();
            // Nothing of what comes next is touched.
            elements.literal(randomContent(random, 3)).copy(kind, offset, length);
            expect(deviation(elements.block(), elements.size), what).toBeUndefined();
          }
          const outside = new Elements();
          if (offset > 1) outside.literal(randomContent(random, offset - 1));
          outside.copy(kind, offset, length);
          expect(unpack(outside.block(), outside.size), what).toBe("a copy points outside of it");
        }
  });

  it("are literals of every length in every form", () => {
    const random = new Random(2);
    const lengths = Array.from({ length: 70 }, (_, i) => i + 1);
    for (let length = 255; length <= 260; length++) lengths.push(length);
    for (let length = 65_535; length <= 65_540; length++) lengths.push(length);
    for (const length of lengths)
      for (const form of formsOf(length)) {
        const elements = new Elements().literal(randomContent(random, length), form);
        expect(deviation(elements.block(), elements.size), `${length} bytes, form ${form}`).toBeUndefined();
        elements.literal([1, 2, 3]).literal(randomContent(random, length), form).copy(2, 2, 5);
        expect(
          deviation(elements.block(), elements.size),
          `${length} bytes, form ${form}, twice`,
        ).toBeUndefined();
      }
  });

  it("are literals whose length needs 24 bits and more", () => {
    const length = 2 ** 24 + 1;
    const head = Buffer.of(0x81, 0x80, 0x80, 8, 63 << 2, 0, 0, 0, 1);
    const content = Buffer.alloc(length, "0123456789abc");
    expect(
      difference(unpack(Buffer.concat([head, content]), length), content),
      "four bytes of length",
    ).toBeUndefined();
    const shorter = Buffer.from(head);
    shorter[0] = 0x80;
    shorter.set([62 << 2, 255, 255, 255], 4);
    const rest = content.subarray(0, length - 1);
    expect(
      difference(unpack(Buffer.concat([shorter.subarray(0, 8), rest]), length - 1), rest),
      "three bytes of length",
    ).toBeUndefined();
  });

  it(`unpack to what they stand for, one behind the other (seed ${seed})`, () => {
    const random = new Random(seed);
    for (let round = 0; round < 600; round++) {
      const elements = randomElements(random, 1 + random.int(random.pick([3, 30, 200])));
      expect(deviation(elements.block(), elements.size), `round ${round} of seed ${seed}`).toBeUndefined();
    }
  });
});

describe("a Snappy block", { timeout: 60_000 }, () => {
  it("says what is damaged about it", () => {
    const ten = new Elements().literal(Buffer.from("0123456789"));
    const after = (...bytes: number[]) => {
      const elements = new Elements().literal(Buffer.from("0123456789"));
      elements.bytes.push(...bytes);
      return unpack(elements.block(20), 20);
    };
    expect(unpack(new Uint8Array(0), 0)).toBe("its length cannot be read");
    expect(unpack(Buffer.of(0x80, 0x80), 0)).toBe("its length cannot be read");
    expect(unpack(Buffer.of(0x80, 0x80, 0x80, 0x80, 0x80, 0), 0)).toBe("its length cannot be read");
    expect(unpack(ten.block(), 11)).toBe("it announces 10 bytes where 11 are expected");
    expect(unpack(new Elements().block(1000), 1000)).toBe("2 bytes cannot unpack to 1000");
    expect(after()).toBe("it unpacks to 10 bytes where 20 are expected");
    // The last bytes of a length or an offset are missing.
    expect(after(60 << 2)).toBe("it ends within a literal");
    expect(after(63 << 2, 0, 0, 0)).toBe("it ends within a literal");
    expect(after(1)).toBe("it ends within a copy");
    expect(after(2, 1)).toBe("it ends within a copy");
    expect(after(3, 1, 0, 0)).toBe("it ends within a copy");
    // Beyond the input, beyond the output, and so long that 32 bits do not hold where it ends.
    expect(after(9 << 2, 1, 2, 3, 4, 5, 6, 7, 8, 9)).toBe("a literal is too long");
    expect(after(10 << 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)).toBe("a literal is too long");
    expect(after(63 << 2, 255, 255, 255, 255, 0)).toBe("a literal is too long");
    // Not one of no bytes, behind which another may come.
    expect(after(63 << 2, 255, 255, 255, 255, 9 << 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)).toBe(
      "a literal is too long",
    );
    expect(after(63 << 2, 254, 255, 255, 255, 0)).toBe("a literal is too long");
    expect(after(63 << 2, 0, 252, 255, 255, 0)).toBe("a literal is too long");
    expect(after((10 << 2) | 2, 1, 0)).toBe("a copy points outside of it");
    expect(after(1, 0)).toBe("a copy points outside of it");
    expect(after(2, 0, 0)).toBe("a copy points outside of it");
    expect(after(3, 0, 0, 0, 0)).toBe("a copy points outside of it");
    expect(after(3, 11, 0, 0, 0)).toBe("a copy points outside of it");
    expect(after(3, 255, 255, 255, 255)).toBe("a copy points outside of it");
    expect(after(3, 0, 0, 0, 128)).toBe("a copy points outside of it");
  });

  it(`is refused where it is damaged, or read as it stands (seed ${seed})`, () => {
    const random = new Random(seed);
    const damages = new Map<string, number>();
    for (let round = 0; round < 400; round++) {
      const elements = randomElements(random, 1 + random.int(random.pick([5, 40])));
      const block = elements.block();
      for (let i = 0; i < 25; i++) {
        const damaged = block.slice(0, random.int(3) === 0 ? random.int(block.length) : block.length);
        for (let hits = random.int(4); hits > 0 && damaged.length > 0; hits--) {
          const at = random.int(random.int(2) === 0 ? damaged.length : Math.min(damaged.length, 40));
          damaged[at] = random.pick([0, 255, damaged[at]! ^ (1 << random.int(8)), random.int(256)]);
        }
        const expected = reference(damaged, elements.size);
        const what = `round ${round}, try ${i} of seed ${seed}`;
        expect(difference(unpack(damaged, elements.size), expected), what).toBeUndefined();
        const kind = typeof expected === "string" ? expected.replace(/\d+/g, "n") : "none";
        damages.set(kind, (damages.get(kind) ?? 0) + 1);
      }
    }
    // All of them came.
    expect([...damages.keys()].toSorted()).toEqual([
      "a copy points outside of it",
      "a literal is too long",
      "it announces n bytes where n are expected",
      "it ends within a copy",
      "it ends within a literal",
      "it unpacks to n bytes where n are expected",
      "its length cannot be read",
      "n bytes cannot unpack to n",
      "none",
    ]);
  });

  it("sees nothing of the one before", () => {
    const secret = Buffer.alloc(500, "secret");
    const before = new Elements().literal(secret);
    const first = snappyDecompress(before.block(), before.size);
    const size = 80;
    for (const [offset, written] of [
      [1, 0],
      [5, 4],
      [64, 16],
      [500, 16],
    ] as const) {
      const elements = new Elements();
      if (written > 0) elements.literal(Buffer.alloc(written));
      elements.copy(2, offset, 64);
      expect(unpack(elements.block(size), size)).toBe("a copy points outside of it");
    }
    // Behind the input's end there is still what was there.
    expect(unpack(Buffer.of(size, 61 << 2, 79), size)).toBe("it ends within a literal");
    expect(unpack(Buffer.of(size, 59 << 2, 1, 2), size)).toBe("a literal is too long");
    expect(unpack(Buffer.of(4, 3 << 2, 1, 2, 3, 4, 2), 4)).toBe("it ends within a copy");
    expect(snappyDecompress(Buffer.of(2, 1 << 2, 7, 8), 2)).toEqual(Uint8Array.of(7, 8));
    // Nor does what was given back before change.
    expect(Buffer.compare(first, secret)).toBe(0);
  });

  it("takes memory when it is unpacked, and none where it is damaged", () => {
    const taken: number[] = [];
    const take = (size: number) => {
      taken.push(size);
      return new Uint8Array(size);
    };
    const elements = new Elements().literal([1, 2, 3]).copy(2, 3, 9);
    expect(() => snappyDecompress(elements.block(20), 20, take)).toThrow(/unpacks to 12 bytes/);
    expect(() => snappyDecompress(elements.copy(2, 99, 8).block(), 20, take)).toThrow(/outside of it/);
    expect(taken).toEqual([]);
    const whole = new Elements().literal([1, 2, 3]).copy(2, 3, 9);
    expect(snappyDecompress(whole.block(), 12, take)).toEqual(
      Uint8Array.of(1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3),
    );
    expect(taken).toEqual([12]);
  });

  it("has memory of its own where it is large, which goes with it", async () => {
    const made: { readonly memory: { readonly buffer: ArrayBuffer } }[] = [];
    const engine = (globalThis as unknown as { readonly WebAssembly: Record<string, unknown> }).WebAssembly;
    const Instance = engine["Instance"] as new (module: object) => {
      readonly exports: (typeof made)[number];
    };
    vi.stubGlobal("WebAssembly", {
      Module: engine["Module"],
      Instance: class {
        readonly exports;
        constructor(module: object) {
          made.push((this.exports = new Instance(module).exports));
        }
      },
    });
    // Another copy of the module, which has made none yet.
    vi.resetModules();
    const { snappyDecompress: decompress } = await import("../../src/parquet/snappy.ts");
    expect(made).toHaveLength(0);

    const random = new Random(seed);
    const small = randomElements(random, 100);
    const expected = reference(small.block(), small.size);
    const large = new Elements();
    large.literal(randomContent(random, 50_000));
    while (large.size < 9 << 20) large.copy(3, 1 + random.int(large.size), 64);
    const unpacked = reference(large.block(), large.size);
    expect(difference(decompress(small.block(), small.size), expected), "small").toBeUndefined();
    expect(made).toHaveLength(1);
    expect(difference(decompress(large.block(), large.size), unpacked), "large").toBeUndefined();
    expect(difference(decompress(large.block(), large.size), unpacked), "large, again").toBeUndefined();
    expect(made).toHaveLength(3);
    // Nor does one stay that is damaged.
    expect(() => decompress(large.block(large.size + 1), large.size + 1)).toThrow(/it unpacks to/);
    expect(made).toHaveLength(4);
    expect(difference(decompress(small.block(), small.size), expected), "small, again").toBeUndefined();
    const middling = new Elements().literal(randomContent(random, 3 << 20));
    expect(
      difference(decompress(middling.block(), middling.size), reference(middling.block(), middling.size)),
      "middling",
    ).toBeUndefined();
    expect(made).toHaveLength(4);
    expect(made[0]!.memory.buffer.byteLength).toBeLessThanOrEqual(8 << 20);
  });
});
