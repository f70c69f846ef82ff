import fc from "fast-check";
import type { ColumnType, Field } from "../../src/schema/types.ts";

/** Types of which several widen into each other, `null` included, and members that may or may not be null. */
export const relatedType: fc.Arbitrary<ColumnType> = fc.letrec<{ type: ColumnType; field: Field }>((tie) => ({
  field: fc.record({
    name: fc.constantFrom("a", "b", "c"),
    type: tie("type"),
    nullable: fc.boolean(),
  }),
  type: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<ColumnType>(
      { kind: "null" },
      { kind: "int8" },
      { kind: "int16" },
      { kind: "int32" },
      { kind: "int64" },
      { kind: "float32" },
      { kind: "float64" },
      { kind: "date" },
      { kind: "timestamp", zone: "local" },
      { kind: "timestamp", zone: "utc" },
      { kind: "string" },
    ),
    fc
      .tuple(fc.integer({ min: 1, max: 38 }), fc.nat())
      .map(([precision, n]): ColumnType => ({ kind: "decimal", precision, scale: n % (precision + 1) })),
    tie("field").map((field): ColumnType => ({ kind: "list", element: { ...field, name: "element" } })),
    fc
      .uniqueArray(tie("field"), { selector: (field) => field.name, maxLength: 3 })
      .map((fields): ColumnType => ({ kind: "struct", fields })),
    fc.tuple(tie("type"), tie("field")).map(([key, value]): ColumnType => ({
      kind: "map",
      key: { name: "key", type: key, nullable: false },
      value: { ...value, name: "value" },
    })),
  ),
})).type;

/** A type with its members in order of their names: laws hold but for that order. */
export function ordered(type: ColumnType | undefined): ColumnType | undefined {
  switch (type?.kind) {
    case "list":
      return { ...type, element: orderedField(type.element) };
    case "map":
      return { ...type, key: orderedField(type.key), value: orderedField(type.value) };
    case "struct":
      return {
        ...type,
        fields: type.fields.map(orderedField).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      };
    default:
      return type;
  }
}

function orderedField(field: Field): Field {
  return { ...field, type: ordered(field.type)! };
}
