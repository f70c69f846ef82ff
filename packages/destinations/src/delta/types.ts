import { AlluviumError, type ColumnType, type Field, type Schema } from "@alluvium/core";

/**
 * Delta's schema as it stands in `metaData.schemaString`: Spark SQL's JSON form.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format
 */
export interface DeltaStruct {
  readonly type: "struct";
  readonly fields: readonly DeltaField[];
}

/** A column or struct member. `metadata` carries column mapping, comments, invariants and what others put there. */
export interface DeltaField {
  readonly name: string;
  readonly type: DeltaType;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A primitive by name, or a nested type. */
export type DeltaType =
  | string
  | DeltaStruct
  | { readonly type: "array"; readonly elementType: DeltaType; readonly containsNull: boolean }
  | {
      readonly type: "map";
      readonly keyType: DeltaType;
      readonly valueType: DeltaType;
      readonly valueContainsNull: boolean;
    };

/**
 * The type that a column has in a Delta table: `time`, `uuid` and `json` become text (Delta has none of them), everything else
 * stays, members and elements likewise.
 */
export function storedType(type: ColumnType): ColumnType {
  switch (type.kind) {
    case "time":
    case "uuid":
    case "json":
      return { kind: "string" };
    case "list":
      return { kind: "list", element: storedField(type.element) };
    case "struct":
      return { kind: "struct", fields: type.fields.map(storedField) };
    case "map":
      return { kind: "map", key: storedField(type.key), value: storedField(type.value) };
    default:
      return type;
  }
}

function storedField(field: Field): Field {
  return { ...field, type: storedType(field.type) };
}

const primitives: Readonly<Record<string, ColumnType>> = {
  boolean: { kind: "boolean" },
  byte: { kind: "int8" },
  short: { kind: "int16" },
  integer: { kind: "int32" },
  long: { kind: "int64" },
  float: { kind: "float32" },
  double: { kind: "float64" },
  string: { kind: "string" },
  binary: { kind: "binary" },
  date: { kind: "date" },
  timestamp: { kind: "timestamp", zone: "utc" },
  timestamp_ntz: { kind: "timestamp", zone: "local" },
  void: { kind: "null" },
};

const names: Readonly<Partial<Record<ColumnType["kind"], string>>> = {
  boolean: "boolean",
  int8: "byte",
  int16: "short",
  int32: "integer",
  int64: "long",
  float32: "float",
  float64: "double",
  string: "string",
  binary: "binary",
  date: "date",
};

/** Reads a schema out of a log. A type that this version does not know is `ALV_TABLE_FEATURE` naming it. */
export function schemaOf(struct: DeltaStruct): Schema {
  return { fields: struct.fields.map((field) => fieldOf(field, field.name)) };
}

function fieldOf(field: DeltaField, path: string): Field {
  return { name: field.name, type: typeOf(field.type, path), nullable: field.nullable };
}

/** The column type of a Delta type; `path` names the column in errors. */
export function typeOf(type: DeltaType, path: string): ColumnType {
  if (typeof type === "string") {
    const primitive = primitives[type];
    if (primitive !== undefined) return primitive;
    const decimal = /^decimal\((\d+), ?(-?\d+)\)$/.exec(type);
    if (decimal !== null) {
      const precision = Number(decimal[1]);
      const scale = Number(decimal[2]);
      if (precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision)
        return { kind: "decimal", precision, scale };
    }
    // Spark's default, as a bare name.
    if (type === "decimal") return { kind: "decimal", precision: 10, scale: 0 };
    throw new AlluviumError(
      "ALV_TABLE_FEATURE",
      `column "${path}" has the Delta type "${type}", which this version of Alluvium cannot read`,
    );
  }
  switch (type.type) {
    case "struct":
      return { kind: "struct", fields: type.fields.map((field) => fieldOf(field, `${path}.${field.name}`)) };
    case "array":
      return {
        kind: "list",
        element: {
          name: "element",
          type: typeOf(type.elementType, `${path}.element`),
          nullable: type.containsNull,
        },
      };
    case "map":
      return {
        kind: "map",
        key: { name: "key", type: typeOf(type.keyType, `${path}.key`), nullable: false },
        value: {
          name: "value",
          type: typeOf(type.valueType, `${path}.value`),
          nullable: type.valueContainsNull,
        },
      };
    default:
      throw new AlluviumError(
        "ALV_TABLE_FEATURE",
        `column "${path}" has the Delta type ${JSON.stringify(type)}, which this version of Alluvium cannot read`,
      );
  }
}

/**
 * A schema in Delta's form. Columns and members whose type is not yet known are left out: they have no rows in any file either.
 */
export function deltaSchema(schema: Schema): DeltaStruct {
  return { type: "struct", fields: deltaFields(schema.fields) };
}

function deltaFields(fields: readonly Field[]): DeltaField[] {
  return fields.flatMap((field) => {
    const type = deltaType(field.type);
    return type === undefined ? [] : [{ name: field.name, type, nullable: field.nullable, metadata: {} }];
  });
}

/** The Delta type of a stored type; `undefined` where it, or all there is in it, is not yet known. */
export function deltaType(type: ColumnType): DeltaType | undefined {
  switch (type.kind) {
    case "null":
      return undefined;
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "timestamp":
      return type.zone === "utc" ? "timestamp" : "timestamp_ntz";
    case "struct": {
      const fields = deltaFields(type.fields);
      return fields.length === 0 ? undefined : { type: "struct", fields };
    }
    case "list": {
      const elementType = deltaType(type.element.type);
      return elementType && { type: "array", elementType, containsNull: type.element.nullable };
    }
    case "map": {
      const keyType = deltaType(type.key.type);
      const valueType = deltaType(type.value.type);
      return (
        keyType && valueType && { type: "map", keyType, valueType, valueContainsNull: type.value.nullable }
      );
    }
    default: {
      const name = names[type.kind];
      if (name === undefined)
        throw new AlluviumError("ALV_INTERNAL", `${type.kind} is not a stored type of Delta tables`);
      return name;
    }
  }
}

/** A type for people: Delta's name, or its JSON. */
export function typeText(type: DeltaType): string {
  return typeof type === "string" ? type : JSON.stringify(type);
}

/** Whether `timestamp_ntz` occurs anywhere: such a table needs the feature `timestampNtz`. */
export function usesLocalTimestamps(type: DeltaType): boolean {
  if (typeof type === "string") return type === "timestamp_ntz";
  if (type.type === "struct") return type.fields.some((field) => usesLocalTimestamps(field.type));
  if (type.type === "array") return usesLocalTimestamps(type.elementType);
  return usesLocalTimestamps(type.keyType) || usesLocalTimestamps(type.valueType);
}

/** Every field of a schema, nested ones too. */
export function* allFields(type: DeltaType): Generator<DeltaField> {
  if (typeof type === "string") return;
  if (type.type === "array") return yield* allFields(type.elementType);
  if (type.type === "map") {
    yield* allFields(type.keyType);
    return yield* allFields(type.valueType);
  }
  for (const field of type.fields) {
    yield field;
    yield* allFields(field.type);
  }
}

// Parquet's column paths and Spark's SQL parser trip over these; Delta forbids them in tables without column mapping.
const illegal = /[ ,;{}()\n\t=]/;

/**
 * Refuses what a table without column mapping cannot hold: names with one of ` ,;{}()\n\t=`, an empty name, and names of one
 * level that differ only in case.
 */
export function checkNames(table: string, schema: DeltaStruct, path = ""): void {
  const seen = new Map<string, string>();
  for (const { name, type } of schema.fields) {
    const at = `column "${path}${name}" of table "${table}"`;
    if (name === "" || illegal.test(name))
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        `${at} cannot be stored: names in a Delta table are not empty and hold none of " ,;{}()=", tab and line feed. ` +
          'Use naming: "snake", or rename the column.',
        { resource: table },
      );
    const folded = name.toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined)
      throw new AlluviumError(
        "ALV_NAME_COLLISION",
        `${at} cannot stand beside "${path}${other}": Delta ignores case in column names. Rename one of them.`,
        { resource: table },
      );
    seen.set(folded, name);
    checkNestedNames(table, type, `${path}${name}.`);
  }
}

function checkNestedNames(table: string, type: DeltaType, path: string): void {
  if (typeof type === "string") return;
  if (type.type === "struct") return checkNames(table, type, path);
  if (type.type === "array") return checkNestedNames(table, type.elementType, `${path}element.`);
  checkNestedNames(table, type.keyType, `${path}key.`);
  checkNestedNames(table, type.valueType, `${path}value.`);
}
