/**
 * Column types and what can be said of them: widening, evolution, names, inference.
 *
 * @module core/schema
 */
export type {
  ColumnKind,
  ColumnType,
  DecimalType,
  Field,
  ListType,
  MapType,
  Schema,
  StructType,
  TimestampType,
} from "./types.ts";
