import type { Field, Schema } from "@alluvium/core";
import { vectorOf, type Batch, type Vector } from "@alluvium/core/columns";
import { lineitemColumns, writeLineitem, type RowSink } from "./lineitem-rows.ts";

/** Columns of the table as batches have them. */
export const lineitemSchema: Schema = {
  fields: lineitemColumns.map((text): Field => {
    const [name, type] = text.split(" ") as [string, string];
    return { name, type: typeOf(type), nullable: true };
  }),
};

function typeOf(sql: string): Field["type"] {
  if (sql === "bigint") return { kind: "int64" };
  if (sql === "integer") return { kind: "int32" };
  if (sql === "date") return { kind: "date" };
  return sql.startsWith("numeric") ? { kind: "decimal", precision: 15, scale: 2 } : { kind: "string" };
}

/** Days from 1970-01-01 to 2000-01-01. */
const epoch = 10_957;

/** Rows of the table by their numbers. `changed`: as they are after an update of quantity, price and comment. */
export function lineitemBatch(rows: readonly number[], changed = false): Batch {
  const { length } = rows;
  const names = lineitemSchema.fields.map(({ name }) => name);
  const integers = names.map(() => new BigInt64Array(length));
  const words = names.map(() => new Int32Array(length));
  const texts = names.map(() => Array.from<string>({ length }));
  let column = 0;
  let at = 0;
  const sink: RowSink = {
    begin: () => void (column = 0),
    int64: (value) => void (integers[column++]![at] = BigInt(value)),
    int32: (value) => void (words[column++]![at] = value),
    date: (value) => void (words[column++]![at] = value + epoch),
    text: (value) => void (texts[column++]![at] = value),
    numeric: (value) => void (integers[column++]![at] = BigInt(value)),
  };
  for (const row of rows) {
    writeLineitem(sink, row);
    if (changed) {
      integers[4]![at]! += 100n;
      integers[5]![at]! += 1n;
      texts[15]![at] = `again ${texts[15]![at]}`.slice(0, 44);
    }
    at += 1;
  }
  const columns = lineitemSchema.fields.map(({ type }, i): Vector => {
    if (type.kind === "string") return vectorOf(type, texts[i]!);
    const values = type.kind === "int32" || type.kind === "date" ? words[i]! : integers[i]!;
    return { layout: "fixed", type, length, nullCount: 0, validity: undefined, values };
  });
  return { schema: lineitemSchema, length, columns };
}

/** Numbers of rows to change, spread evenly over a table of `total` rows in no order. */
export function changedRows(count: number, total: number): number[] {
  const stride = Math.floor(total / count);
  const rows = Array.from({ length: count }, (_, i) => i * stride + ((i * 7919) % stride));
  for (let i = rows.length - 1, seed = 1; i > 0; i--) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    const other = seed % (i + 1);
    [rows[i], rows[other]] = [rows[other]!, rows[i]!];
  }
  return rows;
}
