import type * as Arrow from "apache-arrow";
import { AlluviumError } from "../errors.ts";
import type { ColumnType, Field } from "../schema/types.ts";

/**
 * Numbers of Arrow's types, as far as they are read.
 *
 * Source: https://github.com/apache/arrow/blob/main/format/Schema.fbs
 */
export const ArrowKind = {
  null: 1,
  int: 2,
  float: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  list: 12,
  struct: 13,
  fixedSizeBinary: 15,
  fixedSizeList: 16,
  map: 17,
  largeBinary: 19,
  largeUtf8: 20,
  largeList: 21,
  binaryView: 23,
  utf8View: 24,
  dictionary: -1,
} as const;

/** The parameters of Arrow's types that are read here, whichever has them. */
export interface ArrowParameters {
  readonly typeId: number;
  readonly children: readonly Arrow.Field[] | null;
  readonly isSigned: boolean;
  readonly bitWidth: number;
  readonly precision: number;
  readonly scale: number;
  readonly unit: number;
  readonly timezone?: string | null;
  readonly byteWidth: number;
  readonly listSize: number;
  readonly dictionary: Arrow.DataType;
}

/** A field of Arrow as ours. */
export function fieldOfArrow(field: Arrow.Field): Field {
  const id = Number(field.metadata.get("PARQUET:field_id") ?? Number.NaN);
  const type = typeOfArrow(field.type, field.metadata.get("ARROW:extension:name"), field.name);
  return { name: field.name, type, nullable: field.nullable, ...(Number.isInteger(id) && { id }) };
}

function typeOfArrow(arrow: Arrow.DataType, extension: string | undefined, name: string): ColumnType {
  const type = arrow as unknown as ArrowParameters;
  const children = type.children ?? [];
  switch (type.typeId) {
    case ArrowKind.null:
      return { kind: "null" };
    case ArrowKind.bool:
      return { kind: "boolean" };
    case ArrowKind.int:
      return integerType(type);
    case ArrowKind.float:
      // Half precision (0) has its exact form in single precision (1).
      return { kind: type.precision === 2 ? "float64" : "float32" };
    case ArrowKind.decimal:
      if (type.precision > 38 || type.scale < 0 || type.scale > type.precision) break;
      return { kind: "decimal", precision: type.precision, scale: type.scale };
    case ArrowKind.utf8:
    case ArrowKind.largeUtf8:
    case ArrowKind.utf8View:
      return { kind: extension === "arrow.json" ? "json" : "string" };
    case ArrowKind.binary:
    case ArrowKind.largeBinary:
    case ArrowKind.binaryView:
      return { kind: "binary" };
    case ArrowKind.fixedSizeBinary:
      return { kind: extension === "arrow.uuid" && type.byteWidth === 16 ? "uuid" : "binary" };
    case ArrowKind.date:
      return { kind: "date" };
    case ArrowKind.time:
      return { kind: "time" };
    case ArrowKind.timestamp:
      return { kind: "timestamp", zone: type.timezone ? "utc" : "local" };
    case ArrowKind.list:
    case ArrowKind.largeList:
    case ArrowKind.fixedSizeList:
      return { kind: "list", element: fieldOfArrow(children[0]!) };
    case ArrowKind.struct:
      return { kind: "struct", fields: children.map(fieldOfArrow) };
    case ArrowKind.map: {
      const [key, value] = (children[0]!.type as unknown as ArrowParameters).children!.map(fieldOfArrow);
      return { kind: "map", key: key!, value: value! };
    }
    case ArrowKind.dictionary:
      return typeOfArrow(type.dictionary, extension, name);
    default:
  }
  throw new AlluviumError(
    "ALV_UNSUPPORTED",
    `column "${name}": Arrow's ${nameOf(arrow)} has no column type; cast it before`,
  );
}

function integerType({ isSigned, bitWidth }: ArrowParameters): ColumnType {
  const bits = isSigned ? bitWidth : bitWidth * 2;
  if (bits === 128) return { kind: "decimal", precision: 20, scale: 0 };
  return { kind: bits === 8 ? "int8" : bits === 16 ? "int16" : bits === 32 ? "int32" : "int64" };
}

function nameOf(type: Arrow.DataType): string {
  return (type as unknown as { readonly [Symbol.toStringTag]: string })[Symbol.toStringTag];
}
