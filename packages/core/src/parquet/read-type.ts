import { AlluviumError } from "../errors.ts";
import type { ColumnType } from "../schema/types.ts";
import { Converted, Logical, Physical, TimeUnit } from "./format.ts";
import { invalid } from "./invalid.ts";
import type { Leaf } from "./shape.ts";
import { numberAt, structAt, type ThriftStruct } from "./thrift-reader.ts";

/** A leaf with what is to be done to its stored values. */
export interface ReadLeaf extends Leaf {
  readonly conversion: Conversion;
}

/**
 * From the stored value to ours: `none` as it is · `millis` ×1000 · `nanos` to microseconds · `unsigned` the bits are a number
 * without sign · `half` a 16-bit float · `julian` an INT96 of nanoseconds of a day and a Julian day number.
 */
type Conversion = "none" | "millis" | "nanos" | "unsigned" | "half" | "julian";

type TypeOf = Pick<ReadLeaf, "type" | "physical" | "width" | "conversion">;

/** The column type of a leaf's schema element: by its logical type, else by the older converted type, else by how it is stored. */
export function leafType(element: ThriftStruct, name: string): TypeOf {
  const physical = numberAt(element, 1, "a physical type") as Physical;
  if (!Object.values(Physical).includes(physical))
    throw invalid(`column ${name} has the unknown physical type ${physical}`);
  const width = physical === Physical.fixed ? (numberAt(element, 2, "a type length") ?? 0) : 0;
  if (physical === Physical.fixed && !(width > 0 && width < 2 ** 24))
    throw invalid(`column ${name} has values of ${width} bytes`);
  const base = { physical, width, conversion: "none" as Conversion };
  const annotated = annotatedType(element, physical, width, name);
  return annotated === undefined ? { ...base, ...storedType(physical) } : { ...base, ...annotated };
}

interface Annotated {
  readonly type: ColumnType;
  readonly conversion?: Conversion;
}

function annotatedType(
  element: ThriftStruct,
  physical: Physical,
  width: number,
  name: string,
): Annotated | undefined {
  const logical = structAt(element, 10, "a logical type");
  const converted = numberAt(element, 6, "a converted type");
  const has = (id: number, older: number | undefined) =>
    logical?.[id] !== undefined || (logical === undefined && older !== undefined && converted === older);
  const isBytes = physical === Physical.byteArray || physical === Physical.fixed;
  if (isBytes) {
    if (has(Logical.string, Converted.utf8) || has(Logical.enum, Converted.enum))
      return { type: { kind: "string" } };
    if (has(Logical.json, Converted.json)) return { type: { kind: "json" } };
    if (has(Logical.uuid, undefined) && width === 16) return { type: { kind: "uuid" } };
    if (has(Logical.float16, undefined) && width === 2)
      return { type: { kind: "float32" }, conversion: "half" };
  }
  if (has(Logical.decimal, Converted.decimal)) return decimalType(element, logical, physical, name);
  if (physical === Physical.int32) {
    if (has(Logical.date, Converted.date)) return { type: { kind: "date" } };
    if (has(Logical.time, Converted.timeMillis)) return { type: { kind: "time" }, conversion: "millis" };
    return integerType(logical, converted);
  }
  if (physical === Physical.int64) {
    if (has(Logical.time, Converted.timeMicros))
      return { type: { kind: "time" }, conversion: unitOf(logical, Logical.time, "none", name) };
    if (logical?.[Logical.timestamp] !== undefined) {
      const timestamp = structAt(logical, Logical.timestamp, "a timestamp type")!;
      return {
        type: { kind: "timestamp", zone: timestamp[1] === true ? "utc" : "local" },
        conversion: unitOf(logical, Logical.timestamp, "none", name),
      };
    }
    // The converted types are defined as instants.
    if (has(Logical.timestamp, Converted.timestampMicros))
      return { type: { kind: "timestamp", zone: "utc" } };
    if (has(Logical.timestamp, Converted.timestampMillis))
      return { type: { kind: "timestamp", zone: "utc" }, conversion: "millis" };
    return integerType(logical, converted);
  }
  return undefined;
}

function unitOf(
  logical: ThriftStruct | undefined,
  id: number,
  standard: Conversion,
  name: string,
): Conversion {
  const annotation = logical && structAt(logical, id, "a logical type");
  if (annotation === undefined) return standard;
  const unit = structAt(annotation, 2, "a time unit") ?? {};
  if (unit[TimeUnit.millis] !== undefined) return "millis";
  if (unit[TimeUnit.micros] !== undefined) return "none";
  if (unit[TimeUnit.nanos] !== undefined) return "nanos";
  throw new AlluviumError("ALV_UNSUPPORTED", `column ${name} has times of an unknown unit`);
}

function integerType(
  logical: ThriftStruct | undefined,
  converted: number | undefined,
): Annotated | undefined {
  const integer = logical && structAt(logical, Logical.integer, "an integer type");
  if (integer !== undefined) {
    const bits = numberAt(integer, 1, "a bit width") ?? 32;
    return sizedInteger(bits, integer[2] !== false);
  }
  switch (converted) {
    case Converted.int8:
      return sizedInteger(8, true);
    case Converted.int16:
      return sizedInteger(16, true);
    case Converted.uint8:
      return sizedInteger(8, false);
    case Converted.uint16:
      return sizedInteger(16, false);
    case Converted.uint32:
      return sizedInteger(32, false);
    case Converted.uint64:
      return sizedInteger(64, false);
    default:
      return undefined;
  }
}

/** Integers without sign go to the next wider type with one; 64 bits go to a decimal of 20 digits. */
function sizedInteger(bits: number, signed: boolean): Annotated {
  if (signed)
    return { type: { kind: bits === 8 ? "int8" : bits === 16 ? "int16" : bits === 64 ? "int64" : "int32" } };
  if (bits === 8) return { type: { kind: "int16" } };
  if (bits === 16) return { type: { kind: "int32" } };
  if (bits === 64) return { type: { kind: "decimal", precision: 20, scale: 0 }, conversion: "unsigned" };
  return { type: { kind: "int64" }, conversion: "unsigned" };
}

function decimalType(
  element: ThriftStruct,
  logical: ThriftStruct | undefined,
  physical: Physical,
  name: string,
): Annotated | undefined {
  if (physical === Physical.boolean || physical === Physical.float || physical === Physical.double)
    return undefined;
  const annotation = logical && structAt(logical, Logical.decimal, "a decimal type");
  const scale = (annotation ? numberAt(annotation, 1, "a scale") : numberAt(element, 7, "a scale")) ?? 0;
  const precision =
    (annotation ? numberAt(annotation, 2, "a precision") : numberAt(element, 8, "a precision")) ?? 0;
  if (!(precision > 0 && scale >= 0 && scale <= precision))
    throw invalid(`column ${name} is a decimal of ${precision} digits with ${scale} after the point`);
  if (precision > 38)
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `column ${name} is a decimal of ${precision} digits; up to 38 can be read`,
    );
  return { type: { kind: "decimal", precision, scale } };
}

function storedType(physical: Physical): Annotated {
  switch (physical) {
    case Physical.boolean:
      return { type: { kind: "boolean" } };
    case Physical.int32:
      return { type: { kind: "int32" } };
    case Physical.int64:
      return { type: { kind: "int64" } };
    // INT96 was never anything but an instant, by Impala, Hive and Spark.
    case Physical.int96:
      return { type: { kind: "timestamp", zone: "utc" }, conversion: "julian" };
    case Physical.float:
      return { type: { kind: "float32" } };
    case Physical.double:
      return { type: { kind: "float64" } };
    case Physical.byteArray:
    case Physical.fixed:
      return { type: { kind: "binary" } };
  }
}
