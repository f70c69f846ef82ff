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
  type ValueOfHint,
} from "./hints.ts";
export { boundSchema, boundType } from "./bound.ts";
export { chooseColumns } from "./choose.ts";
export { conformBatch, type ConformOptions } from "./conform.ts";
export { isTypeWithin, sameType } from "./equal.ts";
export { evolveSchema, type Evolution, type EvolveOptions } from "./evolve.ts";
export { splitBatch, type Split, type SplitOptions } from "./split.ts";
export { variantsOf, type VariantNames } from "./variants.ts";
export { widenTypes } from "./widen.ts";
export { snakeCase, spellName, spellNames, type SnakeCase } from "./names.ts";
export { schemaOf } from "./standard.ts";
export { diffSchemas, type SchemaDiff, type TableChange } from "../state/schema-diff.ts";
