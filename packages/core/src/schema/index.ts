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
export { describeType } from "./describe.ts";
export {
  fieldOfHint,
  typeOfHint,
  type ColumnHint,
  type ColumnHints,
  type PlainKind,
  type TypeHint,
} from "./hints.ts";
