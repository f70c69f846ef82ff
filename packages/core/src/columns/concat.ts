import { AlluviumError } from "../errors.ts";
import type { Schema } from "../schema/types.ts";
import type { Batch, Changes } from "./batch.ts";
import { copyBits } from "./bitmap.ts";
import { fixedStride, fixedValues } from "./builder.ts";
import { materialize } from "./dictionary.ts";
import { nullVector } from "./null-vector.ts";
import { sliceVector } from "./slice.ts";
import { checkedOffset } from "./take.ts";
import type { FixedVector, Vector } from "./vector.ts";

/**
 * The rows of several vectors of one type, one after the other. Dictionaries stay dictionaries where all share the same one.
 * Types are not compared: the first one's is kept.
 */
export function concatVectors(vectors: readonly Vector[]): Vector {
  const [first] = vectors;
  if (first === undefined) throw new AlluviumError("ALV_INTERNAL", "no vector to concatenate");
  const parts = vectors.filter((vector) => vector.length > 0);
  if (parts.length === 0) return first;
  if (parts.length === 1) return parts[0]!;
  const shared =
    first.layout === "dictionary" &&
    parts.every((part) => part.layout === "dictionary" && part.dictionary === first.dictionary);
  return join(shared ? parts : parts.map(materialize));
}

/** The rows of several batches of one schema, one after the other, changes included. */
export function concatBatches(batches: readonly Batch[]): Batch {
  const [first] = batches;
  if (first === undefined) throw new AlluviumError("ALV_INTERNAL", "no batch to concatenate");
  if (batches.length === 1) return first;
  const length = batches.reduce((sum, batch) => sum + batch.length, 0);
  const columns = first.columns.map((_, i) => concatVectors(batches.map((batch) => batch.columns[i]!)));
  const changes = batches.some((batch) => batch.changes) ? concatChanges(batches, length) : undefined;
  return { schema: first.schema, length, columns, ...(changes && { changes }) };
}

function concatChanges(batches: readonly Batch[], length: number): Changes {
  const ops = new Uint8Array(length);
  const ordinals = new BigInt64Array(length);
  const keySchema = batches.find((batch) => batch.changes?.oldKeys)?.changes?.oldKeys?.schema;
  const keys: Batch[] = [];
  const unchanged: (Uint8Array | undefined)[] = batches[0]!.columns.map(() => undefined);
  let at = 0;
  for (const { changes, length: rows } of batches) {
    if (changes === undefined)
      throw new AlluviumError("ALV_INTERNAL", "rows with and without changes cannot be concatenated");
    ops.set(changes.ops.subarray(0, rows), at);
    ordinals.set(changes.ordinals.subarray(0, rows), at);
    if (keySchema !== undefined) keys.push(changes.oldKeys ?? nullBatch(keySchema, rows));
    changes.unchanged?.forEach((bits, i) => {
      if (bits !== undefined)
        copyBits(bits, 0, (unchanged[i] ??= new Uint8Array((length + 7) >> 3)), at, rows);
    });
    at += rows;
  }
  return {
    ops,
    ordinals,
    ...(keySchema !== undefined && { oldKeys: concatBatches(keys) }),
    ...(batches.some(({ changes }) => changes?.unchanged !== undefined) && { unchanged }),
  };
}

function nullBatch(schema: Schema, length: number): Batch {
  return { schema, length, columns: schema.fields.map((field) => nullVector(field.type, length)) };
}

function join(parts: readonly Vector[]): Vector {
  const first = parts[0]!;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const nullCount = parts.reduce((sum, part) => sum + part.nullCount, 0);
  const base = { type: first.type, length, nullCount, validity: joinValidity(parts, length, nullCount) };
  switch (first.layout) {
    case "null":
      return { ...base, layout: "null", validity: undefined };
    case "boolean": {
      const values = new Uint8Array((length + 7) >> 3);
      let at = 0;
      for (const part of parts as readonly (Vector & { layout: "boolean" })[]) {
        copyBits(part.values, 0, values, at, part.length);
        at += part.length;
      }
      return { ...base, layout: "boolean", values };
    }
    case "fixed": {
      const stride = fixedStride(first.type);
      const values = fixedValues(first.type, length * stride);
      const bytes = new Uint8Array(values.buffer);
      let at = 0;
      for (const part of parts as readonly FixedVector[]) {
        const size = part.length * stride * values.BYTES_PER_ELEMENT;
        bytes.set(new Uint8Array(part.values.buffer, part.values.byteOffset, size), at);
        at += size;
      }
      return { ...base, layout: "fixed", values };
    }
    case "bytes": {
      const { offsets, ranges, total } = joinOffsets(
        parts as readonly (Vector & { layout: "bytes" })[],
        length,
      );
      const data = new Uint8Array(total);
      let at = 0;
      for (const [part, start, end] of ranges) {
        data.set(part.data.subarray(start, end), at);
        at += end - start;
      }
      return { ...base, layout: "bytes", offsets, data };
    }
    case "list": {
      const { offsets, ranges } = joinOffsets(parts as readonly (Vector & { layout: "list" })[], length);
      const child = concatVectors(ranges.map(([part, start, end]) => sliceVector(part.child, start, end)));
      return { ...base, layout: "list", offsets, child };
    }
    case "map": {
      const { offsets, ranges } = joinOffsets(parts as readonly (Vector & { layout: "map" })[], length);
      const keys = concatVectors(ranges.map(([part, start, end]) => sliceVector(part.keys, start, end)));
      const values = concatVectors(ranges.map(([part, start, end]) => sliceVector(part.values, start, end)));
      return { ...base, layout: "map", offsets, keys, values };
    }
    case "struct": {
      const structs = parts as readonly (Vector & { layout: "struct" })[];
      const children = first.children.map((_, i) => concatVectors(structs.map((part) => part.children[i]!)));
      return { ...base, layout: "struct", children };
    }
    case "dictionary": {
      const codes = new Int32Array(length);
      let at = 0;
      for (const part of parts as readonly (Vector & { layout: "dictionary" })[]) {
        codes.set(part.codes.subarray(0, part.length), at);
        at += part.length;
      }
      return { ...base, layout: "dictionary", codes, dictionary: first.dictionary };
    }
  }
}

function joinValidity(parts: readonly Vector[], length: number, nullCount: number): Uint8Array | undefined {
  if (nullCount === 0) return undefined;
  const validity = new Uint8Array((length + 7) >> 3);
  let at = 0;
  for (const part of parts) {
    copyBits(part.nullCount > 0 ? part.validity : undefined, 0, validity, at, part.length);
    at += part.length;
  }
  return validity;
}

function joinOffsets<Part extends Vector & { readonly offsets: Int32Array }>(
  parts: readonly Part[],
  length: number,
): { offsets: Int32Array; ranges: readonly (readonly [Part, number, number])[]; total: number } {
  const offsets = new Int32Array(length + 1);
  const ranges: [Part, number, number][] = [];
  let row = 0;
  let total = 0;
  for (const part of parts) {
    const start = part.offsets[0]!;
    const end = part.offsets[part.length]!;
    for (let i = 0; i < part.length; i++)
      offsets[++row] = checkedOffset(total + part.offsets[i + 1]! - start);
    ranges.push([part, start, end]);
    total += end - start;
  }
  return { offsets, ranges, total };
}
