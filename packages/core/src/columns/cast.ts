import { AlluviumError } from "../errors.ts";
import { boundType } from "../schema/bound.ts";
import { describeType } from "../schema/describe.ts";
import { isTypeWithin } from "../schema/equal.ts";
import type { ColumnType, Field, StructType } from "../schema/types.ts";
import { createBuilder, type BytesBuilder } from "./builder.ts";
import { putScalar } from "./coerce.ts";
import { converter, type Convert } from "./convert.ts";
import { materialize } from "./dictionary.ts";
import { jsonReader } from "./json.ts";
import { nullVector } from "./null-vector.ts";
import { describeValue } from "./refuse.ts";
import { isScalar, scalarReader, type Scalar } from "./scalar.ts";
import { takeVector } from "./take.ts";
import { formatScalar } from "./text.ts";
import { textWriter, writeText } from "./text-writer.ts";
import { uuidText } from "./uuid-text.ts";
import { isValid, type ListVector, type MapVector, type StructVector, type Vector } from "./vector.ts";

/**
 * The rows of a vector as another type, every one exactly, or `ALV_SCHEMA_CONFLICT` naming both types and the first value that does
 * not fit. Integers become other integers, decimals and floats, decimals other decimals and integers, floats floats and integers, each
 * while the value is the same; a date becomes local midnight; every scalar becomes its canonical text in `string`, and everything its
 * JSON in `json`; nulls become anything. Lists, structs and maps go by member: a member that `type` has and the vector lacks is null, one
 * that `type` lacks may hold nothing. The vector itself is returned where nothing is to do.
 *
 * @param column name for messages
 */
export function castVector(vector: Vector, type: ColumnType, column?: string): Vector {
  return cast(vector, type, column ?? "", converter);
}

/** {@link castVector} with other conversions of scalars. */
export function castVectorBy(
  vector: Vector,
  type: ColumnType,
  column: string,
  convertersOf: typeof converter,
): Vector {
  return cast(vector, type, column, convertersOf);
}

function cast(vector: Vector, type: ColumnType, path: string, by: typeof converter): Vector {
  if (isTypeWithin(vector.type, type)) return vector;
  if (vector.nullCount === vector.length) return nullVector(type, vector.length);
  if (vector.layout === "dictionary") return castDictionary(vector, type, path, by);
  if (vector.layout === "struct" && type.kind === "struct") return castStruct(vector, type, path, by);
  if (vector.layout === "list" && type.kind === "list") {
    const { offsets, used } = usedRange(vector, [vector.child]);
    return { ...vector, type, offsets, child: castMember(used[0]!, type.element, `${path}[]`, by) };
  }
  if (vector.layout === "map" && type.kind === "map") {
    const { offsets, used } = usedRange(vector, [vector.keys, vector.values]);
    const keys = castMember(used[0]!, type.key, `${path}{key}`, by);
    return { ...vector, type, offsets, keys, values: castMember(used[1]!, type.value, `${path}{}`, by) };
  }
  const convert = isScalar(type) && isScalar(vector.type) ? by(vector.type, type) : undefined;
  if (convert === undefined) {
    if (type.kind === "json") return castToJson(vector, type);
    throw conflict(path, vector.type, type);
  }
  return castScalars(vector, type, convert, (value, row) => {
    const shown = `${formatScalar(vector.type, value)} in row ${row + 1} of its batch`;
    throw conflict(path, vector.type, type, shown);
  });
}

/** Each value as `convert` makes it; what it has no form for goes to `refuse`, and is null if that returns. */
export function castScalars(
  vector: Vector,
  type: ColumnType,
  convert: Convert,
  refuse: (value: Scalar, row: number) => void,
): Vector {
  if (vector.layout === "bytes" && vector.type.kind === "json" && type.kind === "string")
    return { ...vector, type };
  if (vector.layout === "fixed" && vector.type.kind === "uuid" && type.kind === "string")
    return uuidText(vector, type);
  const read = scalarReader(vector);
  const builder = createBuilder(type, vector.length);
  const text = type.kind === "string" ? textWriter(builder as BytesBuilder) : undefined;
  for (let row = 0; row < vector.length; row++) {
    const value = read(row);
    const converted = value === null ? undefined : convert(value);
    if (converted === undefined) {
      if (value !== null) refuse(value, row);
      builder.appendNull();
    } else if (text !== undefined) writeText(text, converted as string);
    else putScalar(builder, converted);
  }
  return { ...builder.finish(), type };
}

function castDictionary(
  vector: Vector & { layout: "dictionary" },
  type: ColumnType,
  path: string,
  by: typeof converter,
): Vector {
  try {
    return { ...vector, type, dictionary: cast(vector.dictionary, type, path, by) };
  } catch (error) {
    if (!AlluviumError.is(error)) throw error;
    // A dictionary may hold values that no row has: only those of the rows must fit.
    return cast(materialize(vector), type, path, by);
  }
}

function castToJson(vector: Vector, type: ColumnType): Vector {
  const read = jsonReader(vector);
  const builder = createBuilder(type, vector.length) as BytesBuilder;
  const text = textWriter(builder);
  for (let row = 0; row < vector.length; row++)
    if (isValid(vector, row)) writeText(text, read(row));
    else builder.appendNull();
  return builder.finish();
}

function castStruct(vector: StructVector, type: StructType, path: string, by: typeof converter): Vector {
  const own = vector.type.kind === "struct" ? vector.type.fields : [];
  const byName = new Map(own.map((field, i) => [field.name, vector.children[i]!]));
  const children = type.fields.map((field) => {
    const child = byName.get(field.name) ?? nullVector({ kind: "null" }, vector.length);
    byName.delete(field.name);
    return castMember(child, field, path === "" ? field.name : `${path}.${field.name}`, by, vector);
  });
  for (const [name, child] of byName) {
    if (child.nullCount < child.length && boundType(child.type) !== undefined)
      throw new AlluviumError(
        "ALV_SCHEMA_CONFLICT",
        `${named(path)}${describeType(type)} has no member "${name}", which is ${describeType(child.type)}`,
      );
  }
  return { ...vector, type, children };
}

/** Casts a member; nulls where it may have none are refused, but where `parent` is null itself. */
function castMember(
  child: Vector,
  field: Field,
  path: string,
  by: typeof converter,
  parent?: Vector,
): Vector {
  if (!field.nullable && child.nullCount > 0)
    for (let row = 0; row < child.length; row++)
      if (!isValid(child, row) && (parent === undefined || isValid(parent, row)))
        throw new AlluviumError(
          "ALV_ROW_INVALID",
          `${named(path)}null in row ${row + 1} where none is allowed`,
        );
  return cast(child, field.type, path, by);
}

/** The offsets from 0, and of each child the rows that belong to them. */
export function usedRange(
  { offsets, length }: ListVector | MapVector,
  children: readonly Vector[],
): { readonly offsets: Int32Array; readonly used: readonly Vector[] } {
  const [start, end] = [offsets[0]!, offsets[length]!];
  const rows = Int32Array.from({ length: end - start }, (_, i) => start + i);
  return {
    offsets: start === 0 ? offsets : offsets.slice(0, length + 1).map((at) => at - start),
    used: children.map((child) => (rows.length === child.length ? child : takeVector(child, rows))),
  };
}

function conflict(path: string, from: ColumnType, to: ColumnType, value?: string): AlluviumError {
  const what = value === undefined ? "" : ` (${value.length > 80 ? describeValue(value) : value})`;
  return new AlluviumError(
    "ALV_SCHEMA_CONFLICT",
    `${named(path)}${describeType(from)}${what} has no exact form as ${describeType(to)}`,
  );
}

function named(path: string): string {
  return path === "" ? "" : `column "${path}": `;
}
