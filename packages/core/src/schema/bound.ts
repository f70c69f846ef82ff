import type { ColumnType, Field, Schema } from "./types.ts";

/**
 * A schema without what is not yet known: columns and members of type `null`, lists and maps of them, structs without members. That
 * is the part that can be written. The schema itself where all is known.
 */
export function boundSchema(schema: Schema): Schema {
  const fields = boundFields(schema.fields);
  return fields === schema.fields ? schema : { fields };
}

/** A type without members that are not yet known; `undefined` where nothing of it is known. */
export function boundType(type: ColumnType): ColumnType | undefined {
  switch (type.kind) {
    case "null":
      return undefined;
    case "list": {
      const element = boundField(type.element);
      return element === type.element ? type : element && { kind: "list", element };
    }
    case "map": {
      const key = boundField(type.key);
      const value = boundField(type.value);
      return key === type.key && value === type.value ? type : key && value && { kind: "map", key, value };
    }
    case "struct": {
      const fields = boundFields(type.fields);
      if (fields.length === 0) return undefined;
      return fields === type.fields ? type : { kind: "struct", fields };
    }
    default:
      return type;
  }
}

function boundField(field: Field): Field | undefined {
  const type = boundType(field.type);
  return type === field.type ? field : type && { ...field, type };
}

function boundFields(fields: readonly Field[]): readonly Field[] {
  const bound = fields.map(boundField);
  return bound.every((field, i) => field === fields[i])
    ? fields
    : bound.filter((field) => field !== undefined);
}
