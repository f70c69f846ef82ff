import { AlluviumError } from "../errors.ts";
import type { ColumnKind, ColumnType, Field } from "./types.ts";

/** Column types by name, for resources whose values do not say enough: `{ total: { type: "decimal", precision: 18, scale: 2 } }`. */
export type ColumnHints = { readonly [column: string]: ColumnHint };

/** The type of one column, and whether it may be null. */
export type ColumnHint = TypeHint & {
  /** Whether nulls may occur; a null in a column that is not nullable refuses the row. @default true */
  readonly nullable?: boolean;
};

/** A type as users write it. */
export type TypeHint =
  | { readonly type: PlainKind }
  | {
      readonly type: "decimal";
      /** Digits in all, 1 to 38. */
      readonly precision: number;
      /** Digits after the point. @default 0 */
      readonly scale?: number;
    }
  | {
      readonly type: "timestamp";
      /** `utc`: an instant. `local`: a wall clock reading. @default "utc" */
      readonly zone?: "utc" | "local";
    }
  | { readonly type: "list"; readonly element: ColumnHint }
  | { readonly type: "struct"; readonly fields: ColumnHints }
  | { readonly type: "map"; readonly key: ColumnHint; readonly value: ColumnHint };

/** What the values of a column with this hint are in user code, nulls aside. */
export type ValueOfHint<Hint> = Hint extends { readonly type: infer Kind }
  ? Kind extends "boolean"
    ? boolean
    : Kind extends "int8" | "int16" | "int32" | "float32" | "float64"
      ? number
      : Kind extends "int64"
        ? bigint
        : Kind extends "decimal" | "string" | "date" | "time" | "uuid"
          ? string
          : Kind extends "timestamp"
            ? Date
            : Kind extends "binary"
              ? Uint8Array
              : Kind extends "json"
                ? unknown
                : NestedValue<Hint>
  : never;

type NestedValue<Hint> = Hint extends { readonly element: infer Element }
  ? NullableValue<Element>[]
  : Hint extends { readonly fields: infer Fields }
    ? { -readonly [Member in keyof Fields]: NullableValue<Fields[Member]> }
    : Hint extends { readonly key: infer Key; readonly value: infer Value }
      ? Map<ValueOfHint<Key>, NullableValue<Value>>
      : never;

type NullableValue<Hint> = ValueOfHint<Hint> | (Hint extends { readonly nullable: false } ? never : null);

/** Types without parameters. */
export type PlainKind = Exclude<ColumnKind, "null" | "decimal" | "timestamp" | "list" | "struct" | "map">;

const PLAIN: readonly string[] = [
  "boolean",
  "int8",
  "int16",
  "int32",
  "int64",
  "float32",
  "float64",
  "string",
  "binary",
  "date",
  "time",
  "uuid",
  "json",
] satisfies readonly PlainKind[];

/** The type that a hint names. A hint that names none is `ALV_CONFIG`; `column` is for the message. */
export function typeOfHint(hint: TypeHint, column: string): ColumnType {
  switch (hint.type) {
    case "decimal": {
      const { precision, scale = 0 } = hint;
      const valid = Number.isInteger(precision) && precision >= 1 && precision <= 38;
      if (!valid || !Number.isInteger(scale) || scale < 0 || scale > precision)
        throw refused(
          column,
          `decimal(${precision},${scale}) is not possible; precision is 1 to 38, scale 0 to precision`,
        );
      return { kind: "decimal", precision, scale };
    }
    case "timestamp":
      return { kind: "timestamp", zone: hint.zone ?? "utc" };
    case "list":
      return { kind: "list", element: fieldOfHint("element", hint.element) };
    case "struct":
      return { kind: "struct", fields: fieldsOfHints(hint.fields) };
    case "map":
      return {
        kind: "map",
        key: { ...fieldOfHint("key", hint.key), nullable: false },
        value: fieldOfHint("value", hint.value),
      };
    default:
      if (!PLAIN.includes(hint.type))
        throw refused(
          column,
          `there is no column type ${JSON.stringify(hint.type)}; there are ${PLAIN.join(", ")}, decimal, timestamp, list, struct, map`,
        );
      return { kind: hint.type };
  }
}

/** The field that a hint describes; what the hint leaves open comes from `known`. */
export function fieldOfHint(name: string, hint: ColumnHint, known?: Field): Field {
  return { ...known, name, type: typeOfHint(hint, name), nullable: hint.nullable ?? known?.nullable ?? true };
}

/** The fields that hints describe: those of `known` first, each as its hint says where it has one, then the others. */
export function fieldsOfHints(hints: ColumnHints, known: readonly Field[] = []): readonly Field[] {
  const fields = new Map(known.map((field) => [field.name, field]));
  for (const [name, hint] of Object.entries(hints))
    fields.set(name, fieldOfHint(name, hint, fields.get(name)));
  return [...fields.values()];
}

function refused(column: string, why: string): AlluviumError {
  return new AlluviumError("ALV_CONFIG", `column "${column}": ${why}`);
}
