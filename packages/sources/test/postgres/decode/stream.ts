import { expect } from "vitest";
import { bitAt, type Vector } from "@alluvium/core/columns";
import { FrameReader } from "../../../src/postgres/decode/frames.ts";
import { createSink } from "../../../src/postgres/sink.ts";
import type { TypePlan } from "../../../src/postgres/types.ts";
import { rowsOfBatch } from "../rows.ts";

/** What came of a stream. */
export interface Decoded {
  readonly rows: readonly Record<string, unknown>[];
  /** Of each column, the texts of what became null because it has no form. */
  readonly specials: readonly (readonly string[])[];
  /** The types of messages that are no COPY data. */
  readonly messages: string;
  readonly complete: boolean;
  /** What each block's memory held in bytes. */
  readonly memory: readonly number[];
}

/** Decodes a stream that comes in pieces, as columns `c0`, `c1`, …, into batches of about so many bytes. Bytes become hexadecimal text. */
export function decodeStream(
  plans: readonly TypePlan[],
  pieces: Iterable<Uint8Array>,
  batchBytes: number = 1 << 20,
): Decoded {
  const rows: Record<string, unknown>[] = [];
  const specials = plans.map((): string[] => []);
  const memory: number[] = [];
  let messages = "";
  const readers = plans.map((plan, i) =>
    plan.reader({ onSpecial: (text) => specials[i]!.push(text), onShape: () => {} }),
  );
  const schema = { fields: plans.map(({ type }, i) => ({ name: `c${i}`, type, nullable: true })) };
  const sink = createSink(schema, readers, batchBytes, ({ batch, release }) => {
    batch.columns.forEach(checkNulls);
    for (const row of rowsOfBatch(batch)) rows.push(unshared(row) as Record<string, unknown>);
    // The arrays are used again for the next batch: what was read must not depend on them.
    release();
  });
  const reader = new FrameReader(plans.length, {
    onBlock(block) {
      memory.push(block.bytes.length);
      sink.add(block);
    },
    onMessage: (type) => (messages += String.fromCharCode(type)),
  });
  pushAll(reader, pieces);
  sink.flush();
  return { rows, specials, messages, complete: reader.complete, memory };
}

/** A stream in pieces whose sizes `size` gives. A copy each, scribbled over afterwards: nothing may be kept of a piece. */
export function* inPieces(bytes: Uint8Array, size: () => number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const piece = Uint8Array.prototype.slice.call(bytes, at, at + size());
    yield piece;
    at += piece.length;
    piece.fill(0x5a);
  }
}

/** Mulberry32: the seed is printed with a failure. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed for {@link random}. */
export function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

/** A vector says itself how many nulls it has: readers believe it. */
function checkNulls(vector: Vector): void {
  let nulls = 0;
  for (let row = 0; row < vector.length; row++)
    if (vector.validity !== undefined && !bitAt(vector.validity, row)) nulls++;
  expect(vector.nullCount, `nulls of ${vector.type.kind}`).toBe(nulls);
  if (vector.layout === "list") checkNulls(vector.child);
  else if (vector.layout === "struct") vector.children.forEach(checkNulls);
}

/** A value without memory that is used again. */
function unshared(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(unshared);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, unshared(member)]));
}

/** Pushes pieces of a stream: every other one from the reader's own memory, as a socket does that reads into it. */
export function pushAll(reader: FrameReader, pieces: Iterable<Uint8Array>): void {
  let direct = false;
  for (const piece of pieces) {
    direct = !direct;
    const room = reader.room();
    if (!direct || piece.length > room.length) reader.push(piece);
    else {
      room.set(piece);
      reader.push(room.subarray(0, piece.length));
    }
  }
}
