import type { Capabilities } from "../destination.ts";
import type { ColumnType, Field } from "../schema/types.ts";

/** The type that a column has at a destination, members and elements included. A type that is not known yet stays so. */
export function storedTypeOf(type: ColumnType, storedType: Capabilities["storedType"]): ColumnType {
  if (type.kind === "null") return type;
  const stored = storedType(type);
  const field = (inner: Field): Field => {
    const becomes = storedTypeOf(inner.type, storedType);
    return becomes === inner.type ? inner : { ...inner, type: becomes };
  };
  switch (stored.kind) {
    case "list":
      return { kind: "list", element: field(stored.element) };
    case "struct":
      return { kind: "struct", fields: stored.fields.map(field) };
    case "map":
      return { kind: "map", key: field(stored.key), value: field(stored.value) };
    default:
      return stored;
  }
}
