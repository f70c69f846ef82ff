import { typeOfHint, type ColumnHint } from "./hints.ts";
import type { ColumnType, Field } from "./types.ts";
import { widenTypes } from "./widen.ts";

/** What is known of a value: its type (`null` when that is not known) and whether it may be null. */
export interface KnownType {
  readonly type: ColumnType;
  readonly nullable: boolean;
}

/** Nothing is known. */
export const unknownType: KnownType = { type: { kind: "null" }, nullable: true };

/** A value of `type`, not null. */
export function known(type: ColumnType): KnownType {
  return { type, nullable: false };
}

/** The field of a value. */
export function knownField(name: string, { type, nullable }: KnownType): Field {
  return { name, type, nullable };
}

/** A list of values. */
export function knownList(element: KnownType): KnownType {
  return known({ kind: "list", element: knownField("element", element) });
}

/** A map from text to values. */
export function knownMap(key: KnownType, value: KnownType): KnownType {
  return known({
    kind: "map",
    key: { name: "key", type: key.type, nullable: false },
    value: knownField("value", value),
  });
}

/** A value of any of several kinds; not known where no type holds them all, or where one of them is not known. */
export function knownUnion(options: readonly (KnownType | "null")[]): KnownType {
  const types = options.filter((option) => option !== "null");
  const nullable = types.length < options.length || types.some((option) => option.nullable);
  let type: ColumnType = { kind: "null" };
  for (const option of types) {
    const wide: ColumnType | undefined =
      option.type.kind === "null" ? undefined : widenTypes(type, option.type);
    if (wide === undefined) return { ...unknownType, nullable };
    type = wide;
  }
  return { type, nullable };
}

/** What a literal value says. */
export function knownLiteral(value: unknown): KnownType | "null" {
  switch (typeof value) {
    case "string":
      return known({ kind: "string" });
    case "boolean":
      return known({ kind: "boolean" });
    case "bigint":
      return known({ kind: "int64" });
    case "number":
      return known({ kind: Number.isSafeInteger(value) ? "int64" : "float64" });
    default:
      return value === null || value === undefined ? "null" : unknownType;
  }
}

/** A column hint found in a schema's metadata; it wins over what the schema says. */
export function hinted(column: unknown, otherwise: KnownType): KnownType {
  if (typeof column !== "object" || column === null || !("type" in column)) return otherwise;
  const hint = column as ColumnHint;
  return { type: typeOfHint(hint, "of a schema"), nullable: hint.nullable ?? otherwise.nullable };
}
