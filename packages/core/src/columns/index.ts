/**
 * Columns in the Arrow memory layout: vectors, builders, batches.
 *
 * @module core/columns
 */
export { createAppender, type Appender, type AppenderOptions, type ColumnPattern } from "./append.ts";
export { createPartialAppender } from "./append-partial.ts";
export { ChangeOp, type Batch, type Changes } from "./batch.ts";
export { bitAt, copyBits, countOnes, sliceBits } from "./bitmap.ts";
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
export { castVector } from "./cast.ts";
export { civilOf, daysOf } from "./calendar.ts";
export { coerceScalar, putScalar } from "./coerce.ts";
export { concatBatches, concatVectors } from "./concat.ts";
export { fitsPrecision, formatDecimal, parseDecimal, readDecimal, writeDecimal } from "./decimal.ts";
export { constantVector, materialize } from "./dictionary.ts";
export { rowHashes } from "./hash.ts";
export { jsonReader, type JsonSpelling } from "./json.ts";
export { instantiate, type KernelMemory } from "./kernel.ts";
export { nullVector } from "./null-vector.ts";
export { describeValue } from "./refuse.ts";
export { parseJson } from "./parse-exact.ts";
export { rowsOf, userReader, type RowOptions } from "./rows.ts";
export { compareScalars, isScalar, scalarAt, scalarReader, type Scalar } from "./scalar.ts";
export { saysSame } from "./says-same.ts";
export { batchBytes, vectorBytes } from "./size.ts";
export type { InferOptions } from "./said-type.ts";
export { sliceBatch, sliceVector } from "./slice.ts";
export { takeBatch, takeVector } from "./take.ts";
export { formatScalar, parseScalar } from "./text.ts";
export { textWriter, writeText, type TextWriter } from "./text-writer.ts";
export { vectorOf } from "./values.ts";
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
