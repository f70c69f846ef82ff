import { isNested, membersOf, sameItems, withMembers, withType } from "./members.ts";
import type { ColumnType, Field, Schema } from "./types.ts";

/**
 * A schema without what is not yet known: columns and members of type `null`, lists and maps of them, structs without members. That
 * is the part that can be written. The schema itself where all is known.
 */
export function boundSchema(schema: Schema): Schema {
  const fields = boundFields(schema.fields);
  return sameItems(fields, schema.fields) ? schema : { fields };
}

/** A type without members that are not yet known; `undefined` where nothing of it is known. */
export function boundType(type: ColumnType): ColumnType | undefined {
  if (type.kind === "null") return undefined;
  if (!isNested(type)) return type;
  const members = membersOf(type);
  const bound = boundFields(members);
  const isPart = bound.length > 0 && (type.kind === "struct" || bound.length === members.length);
  return isPart ? withMembers(type, bound) : undefined;
}

function boundFields(fields: readonly Field[]): readonly Field[] {
  return fields.flatMap((field) => {
    const type = boundType(field.type);
    return type === undefined ? [] : [withType(field, type)];
  });
}
