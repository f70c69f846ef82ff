import type * as Arrow from "apache-arrow";
import type { ColumnType, Field } from "../schema/types.ts";
import { decimalWords } from "./builder.ts";
import type { FixedVector, Vector } from "./vector.ts";

/** The part of `apache-arrow` that makes columns. */
export type ArrowModule = Pick<
  typeof Arrow,
  | "Binary"
  | "Bool"
  | "DateDay"
  | "Decimal"
  | "Dictionary"
  | "Field"
  | "FixedSizeBinary"
  | "Float32"
  | "Float64"
  | "Int16"
  | "Int32"
  | "Int64"
  | "Int8"
  | "List"
  | "Map_"
  | "Null"
  | "RecordBatch"
  | "Schema"
  | "Struct"
  | "TimeMicrosecond"
  | "TimestampMicrosecond"
  | "Utf8"
  | "Vector"
  | "makeData"
>;

/** A column of Arrow: its field, and its rows. */
export interface ArrowColumn {
  readonly field: Arrow.Field;
  readonly data: Arrow.Data;
}

/** A column as Arrow's: the same arrays, but for decimals of up to 18 digits, which Arrow holds in 128 bits. */
export function arrowColumn(arrow: ArrowModule, field: Field, vector: Vector): ArrowColumn {
  const { type, props } = layoutOf(arrow, vector);
  const { length, nullCount, validity } = vector;
  const data = arrow.makeData({
    ...props,
    type,
    length,
    nullCount,
    ...(validity && { nullBitmap: validity }),
  } as never) as Arrow.Data;
  return { field: arrowField(arrow, field, type), data };
}

function arrowField(arrow: ArrowModule, field: Field, type: Arrow.DataType): Arrow.Field {
  const metadata = new Map<string, string>();
  // Canonical extension types: https://arrow.apache.org/docs/format/CanonicalExtensions.html
  const extension = ({ uuid: "arrow.uuid", json: "arrow.json" } as Record<string, string>)[field.type.kind];
  if (extension !== undefined)
    metadata.set("ARROW:extension:name", extension).set("ARROW:extension:metadata", "");
  if (field.id !== undefined) metadata.set("PARQUET:field_id", String(field.id));
  return new arrow.Field(field.name, type, field.nullable, metadata);
}

interface Layout {
  readonly type: Arrow.DataType;
  readonly props: object;
}

function layoutOf(arrow: ArrowModule, vector: Vector): Layout {
  const { type, length } = vector;
  switch (vector.layout) {
    case "null":
      return { type: new arrow.Null(), props: {} };
    case "boolean":
      return { type: new arrow.Bool(), props: { data: vector.values } };
    case "fixed":
      return { type: fixedType(arrow, type), props: { data: fixedData(vector) } };
    case "bytes":
      return {
        type: type.kind === "binary" ? new arrow.Binary() : new arrow.Utf8(),
        props: { valueOffsets: vector.offsets.subarray(0, length + 1), data: vector.data },
      };
    case "list": {
      const element = (type as { readonly element: Field }).element;
      const { field, data } = arrowColumn(arrow, element, vector.child);
      return {
        type: new arrow.List(field),
        props: { valueOffsets: vector.offsets.subarray(0, length + 1), child: data },
      };
    }
    case "map": {
      const { key, value } = type as { readonly key: Field; readonly value: Field };
      const columns = [arrowColumn(arrow, key, vector.keys), arrowColumn(arrow, value, vector.values)];
      const entries = new arrow.Struct(columns.map(({ field }) => field));
      const child = arrow.makeData({
        type: entries,
        length: vector.keys.length,
        nullCount: 0,
        children: columns.map(({ data }) => data),
      });
      return {
        type: new arrow.Map_(new arrow.Field("entries", entries, false) as never),
        props: { valueOffsets: vector.offsets.subarray(0, length + 1), child },
      };
    }
    case "struct": {
      const { fields } = type as { readonly fields: readonly Field[] };
      const columns = fields.map((field, i) => arrowColumn(arrow, field, vector.children[i]!));
      return {
        type: new arrow.Struct(columns.map(({ field }) => field)),
        props: { children: columns.map(({ data }) => data) },
      };
    }
    case "dictionary": {
      const { field, data } = arrowColumn(arrow, { name: "", type, nullable: false }, vector.dictionary);
      return {
        type: new arrow.Dictionary(field.type, new arrow.Int32()),
        props: { data: vector.codes.subarray(0, length), dictionary: new arrow.Vector([data]) },
      };
    }
  }
}

function fixedType(arrow: ArrowModule, type: ColumnType): Arrow.DataType {
  switch (type.kind) {
    case "int8":
      return new arrow.Int8();
    case "int16":
      return new arrow.Int16();
    case "int32":
      return new arrow.Int32();
    case "float32":
      return new arrow.Float32();
    case "float64":
      return new arrow.Float64();
    case "date":
      return new arrow.DateDay();
    case "time":
      return new arrow.TimeMicrosecond();
    case "timestamp":
      return new arrow.TimestampMicrosecond(type.zone === "utc" ? "UTC" : null);
    case "decimal":
      return new arrow.Decimal(type.scale, type.precision, 128);
    case "uuid":
      return new arrow.FixedSizeBinary(16);
    default:
      return new arrow.Int64();
  }
}

function fixedData({ type, values, length }: FixedVector): ArrayBufferView {
  if (type.kind === "uuid") return values.subarray(0, 16 * length);
  if (type.kind !== "decimal") return values.subarray(0, length);
  if (decimalWords(type.precision) === 2)
    return new Uint32Array(values.buffer, values.byteOffset, 4 * length);
  const wide = new BigInt64Array(2 * length);
  for (let row = 0; row < length; row++) {
    const value = (values as BigInt64Array)[row]!;
    wide[2 * row] = value;
    wide[2 * row + 1] = value < 0n ? -1n : 0n;
  }
  return new Uint32Array(wide.buffer);
}
