/**
 * Columns in the Arrow memory layout: vectors, builders, batches.
 *
 * @module core/columns
 */
export { ChangeOp, type Batch, type Changes } from "./batch.ts";
export {
  BooleanBuilder,
  BytesBuilder,
  createBuilder,
  decimalWords,
  FixedBuilder,
  fixedStride,
  fixedValues,
  ListBuilder,
  MapBuilder,
  NullBuilder,
  StructBuilder,
  type Builder,
} from "./builder.ts";
export {
  isValid,
  type BooleanVector,
  type BytesVector,
  type DictionaryVector,
  type FixedValues,
  type FixedVector,
  type ListVector,
  type MapVector,
  type NullVector,
  type StructVector,
  type Vector,
} from "./vector.ts";
