import { typeOfHint, type ColumnHint } from "./hints.ts";
import type { ColumnType, Field } from "./types.ts";
import { widenTypes } from "./widen.ts";

/** What a schema says of a value: its type (`undefined` where that is not known, `null` where it is always null) and whether it may be null. */
export interface KnownType {
  readonly type: ColumnType | undefined;
  readonly nullable: boolean;
}

/** Nothing is known. */
export const unknownType: KnownType = { type: undefined, nullable: true };

/** Null and nothing else. */
export const alwaysNull: KnownType = { type: { kind: "null" }, nullable: true };

/** A value of `type`, not null. */
export function known(type: ColumnType): KnownType {
  return { type, nullable: false };
}

/** The field of a value; one that is not known follows the rows. */
export function knownField(name: string, { type = { kind: "null" }, nullable }: KnownType): Field {
  return { name, type, nullable };
}

/** A list of values. */
export function knownList(element: KnownType): KnownType {
  return known({ kind: "list", element: knownField("element", element) });
}

/** A map from one kind of value to another. */
export function knownMap(key: KnownType, value: KnownType): KnownType {
  return known({
    kind: "map",
    key: knownField("key", { ...key, nullable: false }),
    value: knownField("value", value),
  });
}

/** A value of any of several kinds; not known where no type holds them all, or where one of them is not known. */
export function knownUnion(options: readonly KnownType[]): KnownType {
  let type: ColumnType | undefined = { kind: "null" };
  for (const option of options) type &&= option.type && widenTypes(type, option.type);
  return { type, nullable: options.some(({ nullable }) => nullable) };
}

/** What literal values say. */
export function knownLiterals(values: readonly unknown[]): KnownType {
  return knownUnion(
    values.map((value) => {
      const kind = typeof value;
      if (kind === "string" || kind === "boolean") return known({ kind });
      if (kind === "bigint" || Number.isSafeInteger(value)) return known({ kind: "int64" });
      if (kind === "number") return known({ kind: "float64" });
      return value === null || value === undefined ? alwaysNull : unknownType;
    }),
  );
}

/** What is known where a schema's metadata may hold a column hint; the hint wins. */
export function hinted(column: unknown, otherwise: KnownType): KnownType {
  if (typeof column !== "object" || column === null || !("type" in column)) return otherwise;
  const hint = column as ColumnHint;
  return { type: typeOfHint(hint, "of a schema"), nullable: hint.nullable ?? otherwise.nullable };
}

/** The columns of rows of which so much is known; `undefined` where they are not known to be objects. */
export function knownColumns({ type }: KnownType): readonly Field[] | undefined {
  return type?.kind === "struct" ? type.fields : undefined;
}
