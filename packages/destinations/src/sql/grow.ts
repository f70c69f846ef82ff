import type { ColumnType, Field, Schema } from "@alluvium/core";

/**
 * A table's columns after a load: what it has, in its order, then what is new (which earlier rows lack, so that it may be null). Types are
 * those of `next`; columns and members that it lacks stay.
 */
export function grownSchema(committed: Schema | undefined, next: Schema): Schema {
  return committed === undefined ? next : { fields: grownFields(committed.fields, next.fields) };
}

function grownFields(committed: readonly Field[], next: readonly Field[]): readonly Field[] {
  const added = new Map(next.map((field) => [field.name, field]));
  const kept = committed.map((field) => {
    const now = added.get(field.name);
    added.delete(field.name);
    return now === undefined ? { ...field, nullable: true } : grownField(field, now);
  });
  return [...kept, ...Array.from(added.values(), (field) => ({ ...field, nullable: true }))];
}

function grownField(committed: Field, next: Field): Field {
  const nullable = committed.nullable || next.nullable;
  return { ...committed, nullable, type: grownType(committed.type, next.type) };
}

function grownType(committed: ColumnType, next: ColumnType): ColumnType {
  if (committed.kind === "struct" && next.kind === "struct")
    return { kind: "struct", fields: grownFields(committed.fields, next.fields) };
  if (committed.kind === "list" && next.kind === "list")
    return { kind: "list", element: grownField(committed.element, next.element) };
  if (committed.kind === "map" && next.kind === "map")
    return { kind: "map", key: next.key, value: grownField(committed.value, next.value) };
  return next;
}
