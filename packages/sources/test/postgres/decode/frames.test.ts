import { expect, test } from "vitest";
import { createSink } from "../../../src/postgres/sink.ts";
import { FrameReader } from "../../../src/postgres/decode/frames.ts";
import { planType } from "../../../src/postgres/types.ts";
import { rowsOfBatch } from "../rows.ts";
import { wireCopy, wireNumeric, type WireValue } from "./wire.ts";

const policy = { numeric: "text", special: "error", arrays: "list" } as const;
const types = new Map([[1007, { oid: 1007, name: "integer[]", kind: "b", element: 23 }]]);
const decimal152 = ((15 << 16) | 2) + 4;
const plans = (
  [
    [20, -1],
    [25, -1],
    [1700, decimal152],
    [1007, -1],
  ] as const
).map(([oid, modifier]) => planType(oid, modifier, types, policy));
const schema = { fields: plans.map(({ type }, i) => ({ name: `c${i}`, type, nullable: true })) };

function int32(...values: readonly number[]): Buffer {
  const out = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => out.writeInt32BE(value, 4 * i));
  return out;
}

function int64(value: bigint): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigInt64BE(value);
  return out;
}

/** Mulberry32: the seed is printed with a failure. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
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
  const listWire =
    list === null
      ? null
      : list.length === 0
        ? int32(0, 0, 23)
        : Buffer.concat([
            int32(1, list.includes(null) ? 1 : 0, 23, list.length, 1),
            ...list.map((value) => (value === null ? int32(-1) : int32(4, value))),
          ]);
  return {
    wire: [
      int64(number),
      text === null ? null : Buffer.from(text),
      cents === null ? null : wireNumeric(cents, 2),
      listWire,
    ],
    row: { c0: number, c1: text, c2: cents, c3: list },
  };
}

interface Decoded {
  readonly rows: readonly Record<string, unknown>[];
  readonly messages: string;
  readonly complete: boolean;
}

function decode(pieces: Iterable<Uint8Array>, batchBytes: number): Decoded {
  const rows: Record<string, unknown>[] = [];
  let messages = "";
  const readers = plans.map((plan) => plan.reader({ onSpecial: () => {}, onShape: () => {} }));
  const sink = createSink(schema, readers, batchBytes, ({ batch, release }) => {
    rows.push(...rowsOfBatch(batch));
    // The arrays are used again for the next batch: what was read must not depend on them.
    release();
  });
  const reader = new FrameReader(plans.length, {
    onBlock: (block) => sink.add(block),
    onMessage: (type) => (messages += String.fromCharCode(type)),
  });
  for (const piece of pieces) reader.push(piece);
  sink.flush();
  return { rows, messages, complete: reader.complete };
}

test("rows are the same however the stream is cut into pieces", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const next = random(seed);
  for (let round = 0; round < 30; round++) {
    const made = Array.from({ length: Math.floor(next() * 60) }, () => makeRow(next));
    const bytes = wireCopy(made.map(({ wire }) => wire));
    const most = [1, 7, 100, 5000, 70_000][round % 5]!;
    function* pieces(): Generator<Uint8Array> {
      for (let at = 0; at < bytes.length;) {
        const size = 1 + Math.floor(next() * most);
        // A copy each, scribbled over afterwards: nothing may be kept of a piece.
        const piece = Uint8Array.prototype.slice.call(bytes, at, at + size);
        yield piece;
        piece.fill(0x5a);
        at += size;
      }
    }
    const decoded = decode(pieces(), round % 2 === 0 ? 1 << 20 : 500);
    expect(decoded.rows, `seed ${seed}, round ${round}`).toEqual(made.map(({ row }) => row));
    expect(decoded.messages).toBe("HcCZ");
    expect(decoded.complete).toBe(true);
  }
});

test("many narrow rows in one piece, more than a block holds", () => {
  const rows = Array.from({ length: 5000 }, (_, i) => [int64(BigInt(i)), null, null, null]);
  const decoded = decode([wireCopy(rows)], 1 << 20);
  expect(decoded.rows.map(({ c0 }) => c0)).toEqual(rows.map((_, i) => BigInt(i)));
});

test("a value of many pieces is gathered in linear time and not kept", () => {
  const text = Buffer.alloc(24 << 20, "y");
  const bytes = wireCopy([[int64(1n), text, null, null]]);
  function* pieces(): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 4096) yield bytes.subarray(at, at + 4096);
  }
  const started = process.cpuUsage();
  const { rows } = decode(pieces(), 1 << 20);
  const { user } = process.cpuUsage(started);
  expect((rows[0]!["c1"] as string).length).toBe(text.length);
  // Quadratic copying would move 70 GB here.
  expect(user / 1e6).toBeLessThan(5);
});

test("a stream that is no COPY, or is cut, is refused", () => {
  const bytes = wireCopy([[int64(1n), null, null, null]]);
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
