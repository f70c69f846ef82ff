import type { Field, Schema } from "@alluvium/core";
import { ChangeOp, nullVector, type Batch, type FixedVector, type Vector } from "@alluvium/core/columns";
import { stagedColumns } from "./names.ts";

/** How the rows of a segment are staged: whole rows, changes of whole rows, or changes that depend on the rows which they find. */
export type ChangeForm = "rows" | "changes" | "partial";

/** A place in the order of changes within a stretch. */
export interface ChangePlace {
  readonly ordinal: bigint;
  readonly number: bigint;
}

const int64 = { kind: "int64" } as const;
const int16 = { kind: "int16" } as const;

/** The columns that rows of a table with this key are staged with, beside their own. */
export function changeFields(form: ChangeForm, key: readonly Field[]): readonly Field[] {
  const number: Field = { name: stagedColumns.number, type: int64, nullable: false };
  if (form === "rows") return [number];
  const changes: readonly Field[] = [
    number,
    { name: stagedColumns.ordinal, type: int64, nullable: false },
    { name: stagedColumns.op, type: int16, nullable: false },
  ];
  if (form === "changes") return changes;
  return [
    ...changes,
    { name: stagedColumns.unchanged, type: { kind: "binary" }, nullable: true },
    ...key.map(({ type }, i) => ({ name: `${stagedColumns.oldKey}${i}`, type, nullable: true })),
  ];
}

/** How a batch has to be staged. */
export function formOf({ changes, length }: Batch): ChangeForm {
  if (changes === undefined) return "rows";
  const { unchanged, oldKeys } = changes;
  const moved = oldKeys?.columns.some(({ nullCount }) => nullCount < length) ?? false;
  // Where some cells may be missing, so are those of columns that the batch lacks.
  return unchanged !== undefined || moved ? "partial" : "changes";
}

/** The last truncate of a batch whose first row has this number. */
export function lastTruncate({ changes, length }: Batch, number: bigint): ChangePlace | undefined {
  let last: ChangePlace | undefined;
  for (let row = 0; changes !== undefined && row < length; row++) {
    if (changes.ops[row] !== ChangeOp.truncate) continue;
    const place = { ordinal: changes.ordinals[row]!, number: number + BigInt(row) };
    if (last === undefined || place.ordinal >= last.ordinal) last = place;
  }
  return last;
}

/** A batch with its changes as the columns of {@link changeFields}; `number` is that of its first row. */
export function withChangeColumns(
  batch: Batch,
  fields: readonly Field[],
  key: readonly string[],
  number: bigint,
): Batch {
  const { length, changes } = batch;
  const extra = fields.map(({ name, type }, i): Vector => {
    switch (name) {
      case stagedColumns.number:
        return fixed(type, counted(length, number), length);
      case stagedColumns.ordinal:
        return fixed(type, changes!.ordinals.subarray(0, length), length);
      case stagedColumns.op:
        return fixed(type, Int16Array.from(changes!.ops.subarray(0, length)), length);
      case stagedColumns.unchanged:
        return unchangedVector(batch, type);
      default: {
        const old = changes!.oldKeys;
        const at = old?.schema.fields.findIndex((field) => field.name === key[i - 4]) ?? -1;
        return old?.columns[at] ?? nullVector(type, length);
      }
    }
  });
  return { schema: withFields(batch.schema, fields), length, columns: [...batch.columns, ...extra] };
}

/** A schema with further columns behind. */
export function withFields(schema: Schema, fields: readonly Field[]): Schema {
  return fields.length === 0 ? schema : { fields: [...schema.fields, ...fields] };
}

/** A schema whose columns may all be null, as those of deletes are that name only the key. */
export function nullable(schema: Schema): Schema {
  return { fields: schema.fields.map((field) => ({ ...field, nullable: true })) };
}

function counted(length: number, first: bigint): BigInt64Array {
  const numbers = new BigInt64Array(length);
  for (let row = 0; row < length; row++) numbers[row] = first + BigInt(row);
  return numbers;
}

function fixed(type: Field["type"], values: BigInt64Array | Int16Array, length: number): FixedVector {
  return { layout: "fixed", type, length, nullCount: 0, validity: undefined, values };
}

/** Turns bitmaps by column into a bitmap a row. */
function unchangedVector({ changes, length, columns }: Batch, type: Field["type"]): Vector {
  const unchanged = changes?.unchanged;
  if (unchanged === undefined) return nullVector(type, length);
  const width = (columns.length + 7) >> 3;
  const data = new Uint8Array(width * length);
  unchanged.forEach((bits, column) => {
    if (bits === undefined) return;
    for (let row = 0; row < length; row++)
      if (((bits[row >> 3]! >> (row & 7)) & 1) === 1) data[row * width + (column >> 3)]! |= 1 << (column & 7);
  });
  const offsets = Int32Array.from({ length: length + 1 }, (_, row) => row * width);
  return { layout: "bytes", type, length, nullCount: 0, validity: undefined, offsets, data };
}
