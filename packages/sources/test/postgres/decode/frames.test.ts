import { describe, expect, test } from "vitest";
import { planType } from "../../../src/postgres/types.ts";
import { decodeStream, inPieces, newSeed, random, type Decoded } from "./stream.ts";
import {
  header,
  wireArray,
  wireCopy,
  wireInt32,
  wireInt64,
  wireMessage,
  wireNumeric,
  wireRow,
  wireStream,
  type WireValue,
} from "./wire.ts";

const policy = { numeric: "text", special: "error", arrays: "list" } as const;
const types = new Map([[1007, { oid: 1007, name: "integer[]", kind: "b", element: 23 }]]);
const decimal152 = ((15 << 16) | 2) + 4;
const plan = (oid: number, modifier: number = -1) => planType(oid, modifier, types, policy);
const plans = [plan(20), plan(25), plan(1700, decimal152), plan(1007)];

function decode(pieces: Iterable<Uint8Array>, batchBytes: number): Decoded {
  return decodeStream(plans, pieces, batchBytes);
}

interface Made {
  readonly wire: readonly WireValue[];
  readonly row: Record<string, unknown>;
}

function makeRow(next: () => number): Made {
  const number = BigInt(Math.floor((next() - 0.5) * 2 ** 53));
  const size = next() < 0.03 ? Math.floor(next() * 20_000) : Math.floor(next() * 120);
  const text = next() < 0.1 ? null : "xé🙂".repeat(size).slice(0, size).toWellFormed();
  const cents = next() < 0.1 ? null : BigInt(Math.floor((next() - 0.5) * 1e15));
  const list =
    next() < 0.1
      ? null
      : Array.from({ length: Math.floor(next() * 4) }, () =>
          next() < 0.2 ? null : Math.floor(next() * 1e6),
        );
  return {
    wire: [
      wireInt64(number),
      text === null ? null : Buffer.from(text),
      cents === null ? null : wireNumeric(cents, 2),
      list === null
        ? null
        : wireArray(
            23,
            list.map((value) => (value === null ? null : wireInt32(value))),
          ),
    ],
    row: { c0: number, c1: text, c2: cents, c3: list },
  };
}

test("rows are the same however the stream is cut into pieces", () => {
  const seed = newSeed();
  const next = random(seed);
  for (let round = 0; round < 30; round++) {
    const made = Array.from({ length: Math.floor(next() * 60) }, () => makeRow(next));
    const bytes = wireCopy(made.map(({ wire }) => wire));
    const most = [1, 7, 100, 5000, 70_000][round % 5]!;
    const pieces = inPieces(bytes, () => 1 + Math.floor(next() * most));
    const decoded = decode(pieces, round % 2 === 0 ? 1 << 20 : 500);
    expect(decoded.rows, `seed ${seed}, round ${round}`).toEqual(made.map(({ row }) => row));
    expect(decoded.messages).toBe("HcCZ");
    expect(decoded.complete).toBe(true);
  }
});

test("many narrow rows in one piece, more than a block holds", () => {
  const rows = Array.from({ length: 5000 }, (_, i) => [wireInt64(BigInt(i)), null, null, null]);
  const decoded = decode([wireCopy(rows)], 1 << 20);
  expect(decoded.rows.map(({ c0 }) => c0)).toEqual(rows.map((_, i) => BigInt(i)));
});

test("a value of many pieces is gathered in linear time", () => {
  const text = Buffer.alloc(24 << 20, "y");
  const bytes = wireCopy([[wireInt64(1n), text, null, null]]);
  const started = process.cpuUsage();
  const { rows } = decode(
    inPieces(bytes, () => 4096),
    1 << 20,
  );
  const { user } = process.cpuUsage(started);
  expect((rows[0]!["c1"] as string).length).toBe(text.length);
  // Quadratic copying would move 70 GB here.
  expect(user / 1e6).toBeLessThan(5);
});

test("a stream that is no COPY, or is cut, is refused", () => {
  const bytes = wireCopy([[wireInt64(1n), null, null, null]]);
  const damaged = (at: number, value: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at] = value;
    return copy;
  };
  // The response takes 8 bytes, the first message begins there; its signature at 13, its row after the header of 19.
  expect(() => decode([damaged(13, 0x51)], 1000)).toThrow(/signature PGCOPY/);
  expect(() => decode([damaged(33, 5)], 1000)).toThrow(/a row of 5 fields where 4/);
  expect(() => decode([damaged(37, 9)], 1000)).toThrow(/cannot be decoded/);
  expect(() => decode([damaged(37, 7)], 1000)).toThrow(/cannot be decoded/);
  expect(decode([bytes.subarray(0, bytes.length - 30)], 1000).complete).toBe(false);
});

const small = (count: number): WireValue[][] =>
  Array.from({ length: count }, (_, i) => [wireInt32(i), Buffer.from(`row ${i}`)]);
const huge: WireValue[] = [wireInt32(-1), Buffer.alloc(40 << 20, "z")];
const shapes: readonly [string, readonly (readonly WireValue[])[], number?][] = [
  ["no rows", []],
  ["zero columns", Array.from({ length: 3000 }, () => [])],
  [
    "1600 columns",
    Array.from({ length: 40 }, (_, r) => Array.from({ length: 1600 }, (_, c) => wireInt32(r * c))),
  ],
  ["only nulls", Array.from({ length: 3000 }, () => [null, null])],
  ["several rows to a message", small(3000), 7],
  ["all rows in one message", small(3000), 3000],
  ["a row of 40 MB among small ones", [...small(2000), huge, ...small(20_000)]],
];

describe.each(shapes)("%s", (_, rows, together) => {
  const width = rows[0]?.length ?? 2;
  const columns = Array.from({ length: width }, (_, c) => plan(width === 2 && c === 1 ? 25 : 23));
  const expected = rows.map((values) =>
    Object.fromEntries(
      values.map((value, c) => [
        `c${c}`,
        value && (columns[c] === plan(25) ? value.toString() : (value as Buffer).readInt32BE()),
      ]),
    ),
  );
  const bytes = wireCopy(rows, together);
  const sizes = [1, 4099, 256 << 10, 3 << 20].filter((size) => bytes.length / size < 1e6);
  test.each(sizes)("in pieces of %i bytes", (size) => {
    const decoded = decodeStream(
      columns,
      inPieces(bytes, () => size),
    );
    expect(decoded.rows.length).toBe(expected.length);
    expect(Buffer.from(JSON.stringify(decoded.rows)).equals(Buffer.from(JSON.stringify(expected)))).toBe(
      true,
    );
    expect(decoded.complete).toBe(true);
    expect(decoded.messages).toBe("HcCZ");
    // What the largest message needed is given back with the next piece, and no view of it is used.
    expect(Math.max(0, ...decoded.memory) > 40 << 20).toBe(rows.includes(huge));
    expect(size > 1 << 20 || (decoded.memory.at(-1) ?? 0) < 10 << 20).toBe(true);
  });
});

const end = Buffer.from([0xff, 0xff]);
const good = wireRow([wireInt64(1n), null, null, null]);
const withLength = (length: number, ...after: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from([0, 4]), wireInt32(8, 0, 1, length), ...after, wireInt32(-1, -1)]);

test.each<[string, Uint8Array, RegExp]>([
  ["a field of -2 bytes", wireStream([withLength(-2), end]), /a field of -2 bytes/],
  [
    "the same behind another row",
    wireStream([Buffer.concat([good, withLength(-2)]), end]),
    /a field of -2 bytes/,
  ],
  [
    "a field of the least length",
    wireStream([good, withLength(-(2 ** 31)), end]),
    /a field of -2147483648 bytes/,
  ],
  ["a field beyond its row", wireStream([good, withLength(2 ** 31 - 1), end]), /ends within a field/],
  [
    "a byte behind a row",
    wireStream([good, Buffer.concat([good, Buffer.of(0)]), end]),
    /a row of|ends within a field/,
  ],
  ["a row behind the trailer", wireStream([good, end, good]), /rows after its end/],
  ["two trailers", wireStream([good, end, end]), /rows after its end/],
  [
    "an extension of negative length",
    wireStream([good, end], Buffer.concat([header.subarray(0, 15), wireInt32(-2)])),
    /a header/,
  ],
  [
    "an extension beyond its message",
    wireStream([good, end], Buffer.concat([header.subarray(0, 15), wireInt32(2 ** 31 - 1)])),
    /a header/,
  ],
  [
    "a message of length 3",
    Buffer.concat([wireMessage("H", Buffer.alloc(3)), Buffer.from([0x64, 0, 0, 0, 3, 0])]),
    /a message of length 3/,
  ],
  ["a message of negative length", Buffer.from([0x64, 0xff, 0xff, 0xff, 0xff]), /a message of length -1/],
  ["a message that no server sends", Buffer.from([0x64, 0x40, 0, 0, 4]), /a message of length 1073741828/],
])("%s is refused", (_, bytes, message) => {
  for (const size of [1, 70_000])
    expect(() =>
      decode(
        inPieces(bytes, () => size),
        1000,
      ),
    ).toThrow(message);
});

test("an extension of the header is passed over", () => {
  const bytes = wireStream(
    [good, end],
    Buffer.concat([header.subarray(0, 15), wireInt32(3), Buffer.from("abc")]),
  );
  expect(decode([bytes], 1000).rows).toEqual([{ c0: 1n, c1: null, c2: null, c3: null }]);
});
