import type { ColumnType, Field } from "../schema/types.ts";
import type { Builder, FixedBuilder, ListBuilder, MapBuilder } from "./builder.ts";
import { Mode, padBuilder, type Column, type Group } from "./column.ts";
import { nullVector } from "./null-vector.ts";
import type { FixedVector, ListVector, MapVector, StructVector, Vector } from "./vector.ts";

const INT64: ColumnType = { kind: "int64" };

/** Hands over the `length` rows of a column and starts it anew. The type stays the same object while it does not change. */
export function finishColumn(column: Column, length: number): Vector {
  const vector = takeColumn(column, length);
  column.lastType = vector.type;
  return vector;
}

/** The field of a column as last finished. */
function fieldOf(column: Column): Field {
  return { name: column.name, type: column.lastType, nullable: !column.required };
}

function takeColumn(column: Column, length: number): Vector {
  const { builder, mode, lastType } = column;
  if (mode === Mode.unknown) return nullVector(lastType, length);
  padBuilder(builder, length);
  switch (mode) {
    case Mode.number:
      return column.integral ? takeIntegers(builder as FixedBuilder) : builder.finish();
    case Mode.list: {
      const elements = (builder as ListBuilder).child.length;
      const vector = builder.finish() as ListVector;
      const child = finishColumn(column.child!, elements);
      const known = lastType.kind === "list" && lastType.element.type === child.type;
      const type: ColumnType = known ? lastType : { kind: "list", element: fieldOf(column.child!) };
      return { ...vector, type, child };
    }
    case Mode.map: {
      const entries = (builder as MapBuilder).keys.length;
      const vector = builder.finish() as MapVector;
      const keys = finishColumn(column.keys!, entries);
      const values = finishColumn(column.child!, entries);
      const known =
        lastType.kind === "map" && lastType.key.type === keys.type && lastType.value.type === values.type;
      const type: ColumnType = known
        ? lastType
        : { kind: "map", key: fieldOf(column.keys!), value: fieldOf(column.child!) };
      return { ...vector, type, keys, values };
    }
    case Mode.struct: {
      const vector = builder.finish() as StructVector;
      const children = finishGroup(column.group!, length);
      const fields = fieldsOf(column.group!, lastType.kind === "struct" ? lastType.fields : undefined);
      const type: ColumnType =
        lastType.kind === "struct" && lastType.fields === fields ? lastType : { kind: "struct", fields };
      return { ...vector, type, children };
    }
    default:
      return builder.finish();
  }
}

/**
 * Takes back the arrays of a vector that {@link finishColumn} made of this column, to build others in them. Only for vectors that nobody reads
 * any more, once each.
 */
export function recycleColumn(column: Column, vector: Vector): void {
  const { builder, mode, child, keys, group } = column;
  switch (vector.layout) {
    case "list":
      if (child !== undefined) recycleColumn(child, vector.child);
      break;
    case "map":
      if (keys !== undefined) recycleColumn(keys, vector.keys);
      if (child !== undefined) recycleColumn(child, vector.values);
      break;
    case "struct":
      if (group !== undefined) recycleGroup(group, vector.children);
      break;
    case "fixed":
      builder.recycle(mode === Mode.number && vector.type === INT64 ? asDoubles(vector, builder) : vector);
      break;
    default:
      builder.recycle(vector);
  }
}

/** {@link recycleColumn} for what {@link finishGroup} handed over: columns that came later have nothing there. */
export function recycleGroup(group: Group, vectors: readonly Vector[]): void {
  let i = 0;
  for (const column of group.columns.values()) {
    const vector = vectors[i++];
    if (vector === undefined) return;
    recycleColumn(column, vector);
  }
}

/** The reverse of {@link takeIntegers}: the memory is the builder's again. */
function asDoubles(vector: FixedVector, { type }: Builder): FixedVector {
  return { ...vector, type, values: new Float64Array(vector.values.buffer) };
}

/** Hands over the columns of a group. */
export function finishGroup(group: Group, length: number): Vector[] {
  return Array.from(group.columns.values(), (column) => finishColumn(column, length));
}

/** The fields of a group as last finished: `known` itself where they are the same, and its fields where those are. */
export function fieldsOf(group: Group, known: readonly Field[] = []): readonly Field[] {
  const fields = Array.from(group.columns.values(), (column, i) => {
    const before = known[i];
    if (before?.name !== column.name) return fieldOf(column);
    return before.type === column.lastType ? before : { ...before, type: column.lastType };
  });
  return fields.length === known.length && fields.every((field, i) => field === known[i]) ? known : fields;
}

/**
 * Doubles that are all integers up to 2^53, as 64-bit integers in the same memory: by words, since a bigint a value is many times
 * slower.
 */
function takeIntegers(builder: FixedBuilder): Vector {
  const vector = builder.finish() as FixedVector;
  const { length } = vector;
  const doubles = vector.values as Float64Array;
  const values = new BigInt64Array(doubles.buffer);
  const words = new Int32Array(doubles.buffer);
  for (let row = 0; row < length; row++) {
    const value = doubles[row]!;
    // `| 0` is modulo 2^32: the low word, also of a negative number.
    words[2 * row] = value | 0;
    words[2 * row + 1] = Math.floor(value / 4294967296);
  }
  return { ...vector, type: INT64, values };
}
