import { describe, expect, test } from "vitest";
import { AlluviumError } from "@alluvium/core";
import type { FixedVector } from "@alluvium/core/columns";
import { createSink } from "../../../src/postgres/sink.ts";
import { FrameReader } from "../../../src/postgres/decode/frames.ts";
import { planType, type PgType } from "../../../src/postgres/types.ts";
import { pushAll, decodeStream, inPieces, newSeed, random } from "./stream.ts";
import {
  wireArray,
  wireComposite,
  wireCopy,
  wireInt32,
  wireInt64,
  wireNumeric,
  type WireValue,
} from "./wire.ts";

/** A value as the server sends it and as it is stored; where `special` is its text, it has no form. */
interface Made {
  readonly wire: WireValue;
  readonly value: unknown;
  readonly special?: string;
}

type Next = () => number;

/** A scalar type: object id, modifier, and values of it. */
interface Scalar {
  readonly oid: number;
  readonly modifier: number;
  readonly make: (next: Next) => Made;
}

const policy = { numeric: "text", special: "null", arrays: "list" } as const;
const infinite = { high: "infinity", low: "-infinity" } as const;

function bits(next: Next, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, () => Math.floor(next() * 256)));
}

function letters(next: Next, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => 97 + Math.floor(next() * 26)));
}

function asText(body: Buffer): Made {
  return { wire: body, value: body.toString() };
}

/** A numeric's declaration as a modifier (numeric_typmod_scale: 11 bits, signed). */
function declared(precision: number, scale: number): number {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}

/** A numeric of up to so many digits; what stands to the left of the point if `scale` is negative, is stored too. */
function numeric(precision: number, scale: number): Scalar {
  const places = Math.max(0, scale);
  return {
    oid: 1700,
    modifier: declared(precision, scale),
    make(next) {
      const kind = next();
      const [sign, special] = kind < 0.03 ? [0xc000, "NaN"] : kind < 0.06 ? [0xf000, "-Infinity"] : [0, ""];
      const wireOfZero = Buffer.from([0, 0, 0, 0, sign >> 8, 0, 0, places]);
      if (special !== "") return { wire: wireOfZero, value: null, special };
      let digits = "";
      for (let i = Math.floor(next() * precision); i >= 0; i--)
        digits += kind < 0.2 ? 9 : Math.floor(next() * 10);
      const value = BigInt(digits) * (next() < 0.5 ? -1n : 1n) * 10n ** BigInt(places - scale);
      return { wire: wireNumeric(value, places), value };
    },
  };
}

/** Days or microseconds since 2000, the extremes of what the server sends among them. */
function temporal(oid: number, width: 4 | 8, edges: readonly bigint[], shift: bigint): Scalar {
  const most = 2n ** BigInt(8 * width - 1) - 1n;
  const beyond = 2n ** 63n - 1n - shift;
  return {
    oid,
    modifier: -1,
    make(next) {
      const kind = next();
      const count =
        kind < 0.05
          ? kind < 0.025
            ? most
            : -most - 1n
          : kind < 0.3
            ? edges[Math.floor(next() * edges.length)]!
            : BigInt(Math.floor((next() - 0.5) * 1e9));
      const wire = width === 8 ? wireInt64(count) : wireInt32(Number(count));
      const special =
        count === most
          ? infinite.high
          : count === -most - 1n
            ? infinite.low
            : width === 8 && count > beyond
              ? "a timestamp after 294247-01-10 04:00:54"
              : undefined;
      if (special !== undefined) return { wire, value: null, special };
      return { wire, value: width === 8 ? count + shift : Number(count + shift) };
    },
  };
}

const micros = 946_684_800_000_000n;
const most64 = 2n ** 63n - 1n;
const instants = [
  -211_813_488_000_000_000n,
  most64 - micros,
  most64 - micros + 1n,
  most64 - 1n,
  -most64,
  -micros,
  -1n,
  0n,
];

const scalars: Readonly<Record<string, Scalar>> = {
  bool: {
    oid: 16,
    modifier: -1,
    make: (next) =>
      next() < 0.5 ? { wire: Buffer.of(1), value: true } : { wire: Buffer.of(0), value: false },
  },
  bytea: {
    oid: 17,
    modifier: -1,
    make: (next) => sized((bytes) => bytes.toString("hex"))(bits(next, Math.floor(next() * 40))),
  },
  int8: { oid: 20, modifier: -1, make: (next) => sized((bytes) => bytes.readBigInt64BE())(bits(next, 8)) },
  int2: { oid: 21, modifier: -1, make: (next) => sized((bytes) => bytes.readInt16BE())(bits(next, 2)) },
  int4: { oid: 23, modifier: -1, make: (next) => sized((bytes) => bytes.readInt32BE())(bits(next, 4)) },
  text: {
    oid: 25,
    modifier: -1,
    make: (next) => asText(letters(next, Math.floor(next() * (next() < 0.02 ? 3000 : 60)))),
  },
  oid: {
    oid: 26,
    modifier: -1,
    make: (next) => sized((bytes) => BigInt(bytes.readUInt32BE()))(bits(next, 4)),
  },
  float4: { oid: 700, modifier: -1, make: (next) => sized((bytes) => bytes.readFloatBE())(bits(next, 4)) },
  float8: { oid: 701, modifier: -1, make: (next) => sized((bytes) => bytes.readDoubleBE())(bits(next, 8)) },
  time: {
    oid: 1083,
    modifier: -1,
    make: (next) =>
      sized((bytes) => bytes.readBigInt64BE())(wireInt64(BigInt(Math.floor(next() * 86_400_000_001)))),
  },
  uuid: { oid: 2950, modifier: -1, make: (next) => sized((bytes) => bytes.toString("hex"))(bits(next, 16)) },
  jsonb: {
    oid: 3802,
    modifier: -1,
    make(next) {
      const { wire, value } = asText(letters(next, Math.floor(next() * 40)));
      return { wire: Buffer.concat([Buffer.of(1), wire!]), value };
    },
  },
  date: temporal(1082, 4, [-2_451_545n, 2_145_031_948n, -1n, 0n, -10_957n], 10_957n),
  timestamp: temporal(1114, 8, instants, micros),
  timestamptz: temporal(1184, 8, instants, micros),
  "numeric(18,5)": numeric(18, 5),
  "numeric(18,18)": numeric(18, 18),
  "numeric(18,0)": numeric(18, 0),
  "numeric(5,-3)": numeric(5, -3),
  "numeric(2,17)": numeric(2, 17),
  "numeric(38,9)": numeric(38, 9),
};

function sized(value: (bytes: Buffer) => unknown): (bytes: Buffer) => Made {
  return (wire) => ({ wire, value: value(wire) });
}

const nothing: Made = { wire: null, value: null };

/** Types made of a scalar: object ids from 100 000 on. */
function compositions({ oid, modifier }: Scalar): ReadonlyMap<number, PgType> {
  const attributes = [
    { name: "a", type: oid, modifier },
    { name: "b", type: 100_000, modifier },
    { name: "c", type: 23, modifier: -1 },
  ];
  return new Map<number, PgType>([
    [100_000, { oid: 100_000, name: "list", kind: "b", element: oid }],
    [100_001, { oid: 100_001, name: "composite", kind: "c", attributes }],
    [100_002, { oid: 100_002, name: "composites", kind: "b", element: 100_001 }],
  ]);
}

/** Values of a scalar, an array of it, a composite with both, and an array of such composites. `specials` collects them in the order of reading. */
function makeRow(
  { oid, make }: Scalar,
  next: Next,
  longest: number,
): { made: readonly Made[]; specials: readonly string[][] } {
  const specials: string[][] = [[], [], [], []];
  const scalar = (): Made => (next() < 0.15 ? nothing : make(next));
  const list = (most: number): Made => {
    if (next() < 0.1) return nothing;
    const elements = Array.from({ length: Math.floor(next() * most) }, scalar);
    return {
      wire: wireArray(
        oid,
        elements.map(({ wire }) => wire),
      ),
      value: elements.map(({ value }) => value),
      special: elements.flatMap(({ special }) => special ?? []).join(),
    };
  };
  const composite = (): Made => {
    if (next() < 0.1) return nothing;
    const [a, b] = [scalar(), list(3)];
    const c = Math.floor(next() * 1e6);
    return {
      wire: wireComposite([oid, 100_000, 23], [a.wire, b.wire, wireInt32(c)]),
      value: { a: a.value, b: b.value, c },
      special: [a.special, b.special].filter(Boolean).join(),
    };
  };
  const composites = Array.from({ length: Math.floor(next() * 3) }, composite);
  const made = [
    scalar(),
    list(longest),
    composite(),
    {
      wire: wireArray(
        100_001,
        composites.map(({ wire }) => wire),
      ),
      value: composites.map(({ value }) => value),
      special: composites.flatMap(({ special }) => special || []).join(),
    },
  ];
  made.forEach(({ special }, i) => special && specials[i]!.push(...special.split(",")));
  return { made, specials };
}

describe.each(Object.entries(scalars))("%s", (_, scalar) => {
  test("by itself, in arrays, composites and arrays of composites", () => {
    const seed = newSeed();
    const next = random(seed);
    const types = compositions(scalar);
    const plans = [scalar.oid, 100_000, 100_001, 100_002].map((oid) =>
      planType(oid, scalar.modifier, types, policy),
    );
    // Blocks of more rows than one holds, and of more elements than rows.
    const rows = Array.from({ length: 2600 }, (_, i) => makeRow(scalar, next, i % 500 === 0 ? 2500 : 4));
    const bytes = wireCopy(rows.map(({ made }) => made.map(({ wire }) => wire)));
    const decoded = decodeStream(
      plans,
      inPieces(bytes, () => 1 + Math.floor(next() * (512 << 10))),
    );
    const at = decoded.rows.findIndex((row, i) => shown(row) !== shown(rowOf(rows[i]!.made)));
    expect(decoded.rows[at], `seed ${seed}, row ${at}`).toEqual(at < 0 ? undefined : rowOf(rows[at]!.made));
    expect(decoded.rows.length).toBe(rows.length);
    for (let column = 0; column < plans.length; column++)
      expect(decoded.specials[column]!.toSorted(), `seed ${seed}`).toEqual(
        rows.flatMap(({ specials }) => specials[column]!).toSorted(),
      );
  });
});

function rowOf(made: readonly Made[]): Record<string, unknown> {
  return Object.fromEntries(made.map(({ value }, i) => [`c${i}`, value]));
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "bigint"
      ? `${member}n`
      : typeof member === "number" && !Number.isInteger(member)
        ? `${member}`
        : member,
  );
}

test("texts of every short length, and around the room in which they are gathered", () => {
  const room = 128 << 10;
  const sizes = [
    ...Array.from({ length: 301 }, (_, size) => size),
    room - 1,
    room,
    room + 1,
    room,
    0,
    room - 1,
    1,
    room - 1,
    2,
    room - 15,
    15,
    room - 16,
    17,
    0,
    room + 300,
    5,
    ...Array.from({ length: 600 }, () => 257),
  ];
  const next = random(newSeed());
  const noise = letters(next, 2 * room);
  const texts = sizes.map((size, i) => noise.subarray(i, i + size));
  const rows = texts.map((text, i) => [
    i % 7 === 3 ? null : text,
    Buffer.concat([Buffer.of(1), text]),
    wireArray(25, [text, null, text.subarray(0, 20)]),
  ]);
  const types = compositions(scalars["text"]!);
  const plans = [25, 3802, 100_000].map((oid) => planType(oid, -1, types, policy));
  const expected = texts.map((text, i) => ({
    c0: i % 7 === 3 ? null : text.toString(),
    c1: text.toString(),
    c2: [text.toString(), null, text.toString("utf8", 0, Math.min(20, text.length))],
  }));
  for (const size of [4096, 8 << 20]) {
    const { rows: decoded } = decodeStream(
      plans,
      inPieces(wireCopy(rows), () => size),
      8 << 20,
    );
    expect(decoded.length).toBe(rows.length);
    decoded.forEach((row, i) =>
      expect(shown(row) === shown(expected[i]), `row ${i}, ${sizes[i]} bytes`).toBe(true),
    );
  }
});

test("where a column has nulls stands nothing of another one", () => {
  const plans = [701, 20, 23, 1082, 1114, 1700].map((oid) =>
    planType(oid, declared(9, 2), new Map(), policy),
  );
  const readers = plans.map((plan) => plan.reader({ onSpecial: () => {}, onShape: () => {} }));
  const schema = { fields: plans.map(({ type }, i) => ({ name: `c${i}`, type, nullable: true })) };
  const sums: number[] = [];
  const sink = createSink(schema, readers, 1 << 20, ({ batch }) => {
    for (const vector of batch.columns)
      if (vector.layout === "fixed")
        sums.push(
          Array.from(vector.values as ArrayLike<number | bigint>, Number).filter((value) => value !== 0)
            .length,
        );
  });
  const reader = new FrameReader(6, { onBlock: (block) => sink.add(block), onMessage: () => {} });
  reader.push(wireCopy(Array.from({ length: 2000 }, () => [wireInt64(-2n), null, null, null, null, null])));
  sink.flush();
  expect(sums).toEqual([2000, 0, 0, 0, 0, 0]);
});

test.each([
  [
    "numeric with digits that are not there",
    "numeric(18,5)",
    Buffer.from([0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1]),
  ],
  ["numeric with more than its digits", "numeric(18,5)", Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2])],
  ["NaN with digits that are not there", "numeric(18,5)", Buffer.from([0, 9, 0, 0, 0xc0, 0, 0, 0])],
  ["empty numeric", "numeric(18,5)", Buffer.alloc(0)],
  [
    "wide numeric with digits that are not there",
    "numeric(38,9)",
    Buffer.from([0xff, 0xff, 0, 0, 0, 0, 0, 0]),
  ],
  ["wide empty numeric", "numeric(38,9)", Buffer.alloc(0)],
  ["numeric with places that its column has not", "numeric(18,5)", wireNumeric(1_234_567n, 6)],
  ["integer of 3 bytes", "int4", Buffer.alloc(3)],
  ["integer of 9 bytes", "int8", Buffer.alloc(9)],
  ["timestamp of 4 bytes", "timestamp", Buffer.alloc(4)],
  ["date of 0 bytes", "date", Buffer.alloc(0)],
  ["jsonb of 0 bytes", "jsonb", Buffer.alloc(0)],
  ["jsonb of version 2", "jsonb", Buffer.from("\x02{}")],
])("%s is refused", (_, type, value) => {
  const scalar = scalars[type]!;
  const types = compositions(scalar);
  const forms: readonly [number, Uint8Array][] = [
    [scalar.oid, value],
    [100_000, wireArray(scalar.oid, [null, value])],
    [100_001, wireComposite([scalar.oid, 100_000, 23], [value, null, null])],
  ];
  for (const [oid, wire] of forms)
    expect(() =>
      decodeStream([planType(oid, scalar.modifier, types, policy)], [wireCopy([[null], [wire]])]),
    ).toThrow(/cannot be decoded/);
});

test.each([
  ["array of negative size", 100_000, wireInt32(1, 0, 23, -5, 1)],
  ["array of more elements than bytes", 100_000, wireInt32(1, 0, 23, 2 ** 31 - 1, 1, 4, 1)],
  ["array of fewer elements than bytes", 100_000, wireInt32(1, 0, 23, 1, 1, 4, 1, -1)],
  ["array of 4 bytes", 100_000, wireInt32(1)],
  ["array with an element of -2 bytes", 100_000, wireInt32(1, 0, 23, 1, 1, -2)],
  ["array with an element beyond it", 100_000, wireInt32(1, 0, 23, 1, 1, 2 ** 31 - 1)],
  ["composite with a member of -2 bytes", 100_001, wireInt32(3, 23, -2, 1007, -1, 23, -1)],
  ["composite of two members", 100_001, wireInt32(2, 23, -1, 1007, -1)],
  ["composite of 0 bytes", 100_001, Buffer.alloc(0)],
])("%s is refused", (_, oid, value) => {
  const plan = planType(oid, -1, compositions(scalars["int4"]!), policy);
  expect(() => decodeStream([plan], [wireCopy([[null], [value], [null]])])).toThrow(/cannot be decoded/);
});

test("damaged streams give rows or an error that says so", () => {
  const seed = newSeed();
  const next = random(seed);
  const kinds = Object.values(scalars);
  const lengths = [-(2 ** 31), -2, -1, 0, 3, 65_535, 2 ** 30, 2 ** 31 - 1];
  const codes: unknown[] = [];
  for (let round = 0; round < 600; round++) {
    const scalar = kinds[round % kinds.length]!;
    const types = compositions(scalar);
    const plans = [scalar.oid, 100_000, 100_001, 100_002].map((oid) =>
      planType(oid, scalar.modifier, types, policy),
    );
    const rows = Array.from({ length: 1 + Math.floor(next() * 20) }, () =>
      makeRow(scalar, next, 4).made.map(({ wire }) => wire),
    );
    const bytes = wireCopy(rows, 1 + (round % 3));
    for (let damage = Math.floor(next() * 4); damage >= 0; damage--) {
      const at = Math.floor(next() * (bytes.length - 4));
      if (next() < 0.5) bytes[at]! ^= 1 << Math.floor(next() * 8);
      else bytes.writeInt32BE(lengths[Math.floor(next() * lengths.length)]!, at);
    }
    const readers = plans.map((plan) => plan.reader({ onSpecial: () => {}, onShape: () => {} }));
    const reader = new FrameReader(plans.length, {
      onBlock: (block) => readers.forEach((column, i) => column.read(block, i)),
      onMessage: () => {},
    });
    const cut = next() < 0.2 ? Math.floor(next() * bytes.length) : bytes.length;
    try {
      pushAll(
        reader,
        inPieces(bytes.subarray(0, cut), () => 1 + Math.floor(next() * 3000)),
      );
    } catch (error) {
      codes.push(error instanceof AlluviumError ? error.code : error);
    }
  }
  expect(new Set(codes), `seed ${seed}`).toEqual(new Set(["ALV_SOURCE_FAILED"]));
  expect(codes.length).toBeGreaterThan(100);
});

test("a special value that becomes null leaves nothing of another column in its place", () => {
  const int = Buffer.from("0123456789abcdef", "hex");
  const specials: readonly (readonly [oid: number, modifier: number, bytes: Buffer])[] = [
    [1700, ((10 << 16) | 2) + 4, Buffer.from("00000000c0000000", "hex")],
    [1082, -1, Buffer.from("7fffffff", "hex")],
    [1184, -1, Buffer.from("8000000000000000", "hex")],
  ];
  for (const [oid, modifier, bytes] of specials) {
    const special = { numeric: "text", special: "null", arrays: "list" } as const;
    const readers = [planType(20, -1, new Map(), special), planType(oid, modifier, new Map(), special)].map(
      (plan) => plan.reader({ onSpecial: () => {}, onShape: () => {} }),
    );
    const reader = new FrameReader(2, {
      onBlock: (block) => readers.forEach((column, i) => column.read(block, i)),
      onMessage: () => {},
    });
    reader.push(wireCopy([[int, bytes]]));
    const { values, nullCount } = readers[1]!.builder.finish() as FixedVector;
    expect([nullCount, BigInt(values[0]!)]).toEqual([1, 0n]);
  }
});

test("while a message is not whole, no memory is asked for outside of a push", () => {
  const reader = new FrameReader(1, { onBlock: () => {}, onMessage: () => {} });
  const bytes = wireCopy([[Buffer.alloc(3_000_000)]]);
  for (const piece of inPieces(bytes, () => 100_000)) {
    const { buffer } = reader.room();
    expect(reader.room().length).toBeGreaterThanOrEqual(256 * 1024);
    // Growing gives the memory another buffer.
    expect(reader.room().buffer === buffer).toBe(true);
    reader.push(piece);
  }
  expect(reader.complete).toBe(true);
});
