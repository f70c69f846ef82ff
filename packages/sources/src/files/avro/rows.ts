import { AlluviumError, type RefusedRow, type Schema } from "@alluvium/core";
import { createBuilder, type Batch, type Builder, type Vector } from "@alluvium/core/columns";
import { isUtf8 } from "node:buffer";
import { columnOf } from "./columns.ts";
import { damaged, type AvroCursor } from "./cursor.ts";
import { jsonReaderOf, type JsonReader } from "./json-reader.ts";
import type { Nanoseconds } from "./leaf.ts";
import type { AvroNode } from "./node.ts";

/** Decodes rows of one schema into columns. */
export interface RowDecoder {
  /** Rows since the last `finish`. */
  readonly length: number;
  /** About how many bytes they take. */
  readonly byteLength: number;
  /** Decodes the next row; what its columns cannot hold is refused, and leaves no trace. */
  row(cursor: AvroCursor, number: number): RefusedRow | undefined;
  finish(): Batch;
  /** Nobody reads the arrays of a batch any more. */
  release(batch: Batch): void;
}

/** A decoder for files with a schema. What is no record is one column, `value`. */
export function rowDecoder(node: AvroNode, nanoseconds: Nanoseconds): RowDecoder {
  const fields = node.kind === "record" ? node.fields : [{ name: "value", node }];
  const columns = fields.map((field) => columnOf(field.node, field.name, field.name, nanoseconds));
  const schema: Schema = { fields: columns.map(({ field }) => field) };
  const builders: readonly Builder[] = schema.fields.map(({ type }) => createBuilder(type));
  const puts = columns.map(({ putter }, i) => putter(builders[i]!));
  let length = 0;
  let plain: JsonReader | undefined;

  const refuse = (cursor: AvroCursor, start: number, number: number, error: AlluviumError): RefusedRow => {
    for (const builder of builders) builder.truncate(length);
    cursor.at = start;
    plain ??= jsonReaderOf(
      node.kind === "record" ? node : { kind: "record", name: "", fields: [{ name: "value", node }] },
      true,
    );
    return {
      stage: "read",
      reason: error.code,
      rule: "type",
      message: error.message,
      row: plain(cursor),
      position: { row: number },
    };
  };

  return {
    get length() {
      return length;
    },
    get byteLength() {
      return builders.reduce((sum, { byteLength }) => sum + byteLength, 0);
    },
    row(cursor, number) {
      const start = cursor.at;
      try {
        for (let i = 0; i < puts.length; i++) puts[i]!(cursor);
      } catch (error) {
        if (!AlluviumError.is(error) || error.code !== "ALV_VALUE_UNREPRESENTABLE") throw error;
        return refuse(cursor, start, number, error);
      }
      length += 1;
      return undefined;
    },
    finish() {
      const vectors: Vector[] = builders.map((builder) => builder.finish());
      vectors.forEach((vector, i) => checkTexts(vector, schema.fields[i]!.name));
      const batch: Batch = { schema, length, columns: vectors };
      length = 0;
      return batch;
    },
    release(batch) {
      builders.forEach((builder, i) => builder.recycle(batch.columns[i]!));
    },
  };
}

/** Texts are copied as they are: what is no UTF-8 must not go on. */
function checkTexts(vector: Vector, column: string): void {
  switch (vector.layout) {
    case "bytes":
      if (
        vector.type.kind !== "binary" &&
        !isUtf8(vector.data.subarray(vector.offsets[0], vector.offsets[vector.length]))
      )
        throw damaged(`column ${column} holds text that is not UTF-8`);
      return;
    case "list":
      return checkTexts(vector.child, column);
    case "map":
      checkTexts(vector.keys, column);
      return checkTexts(vector.values, column);
    case "struct":
      for (const child of vector.children) checkTexts(child, column);
      return;
    default:
  }
}
