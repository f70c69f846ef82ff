import { parseExact } from "../columns/parse-exact.ts";
import { withType } from "../schema/members.ts";
import { jsonFields } from "../schema/mixed-type.ts";
import type { ColumnType, Field } from "../schema/types.ts";
import { variantsOf } from "../schema/variants.ts";
import type { TableState } from "../state/state.ts";

/** A row as a destination gives it back. */
export type StoredRow = { readonly [column: string]: unknown };

/** Reads a column of a row with what of it stands in variants, at any depth. */
export type ReadColumn = (row: StoredRow) => unknown;

/** How the columns of a table are read, variants left out, which are read with their column. */
export function columnReaders({ schema, columns, json = [] }: TableState): ReadonlyMap<string, ReadColumn> {
  let { fields } = schema;
  for (const path of json) fields = jsonFields(fields, path);
  const stored = new Map(schema.fields.map((field) => [field.name, field.type]));
  const marked = fields.map((field) => withType(field, withText(field.type, stored.get(field.name)!)));
  return memberReaders(marked, (name) => Object.hasOwn(columns, name));
}

/** Types in which JSON that is stored as text is told by `mixed`. */
function withText(type: ColumnType, stored: ColumnType): ColumnType {
  if (type.kind === "json") return stored.kind === "string" ? { kind: "json", mixed: stored } : type;
  if (type.kind === "struct" && stored.kind === "struct")
    return {
      kind: "struct",
      fields: type.fields.map((field, i) => withType(field, withText(field.type, stored.fields[i]!.type))),
    };
  if (type.kind === "list" && stored.kind === "list")
    return {
      kind: "list",
      element: withType(type.element, withText(type.element.type, stored.element.type)),
    };
  return type.kind === "map" && stored.kind === "map"
    ? { ...type, value: withType(type.value, withText(type.value.type, stored.value.type)) }
    : type;
}

function memberReaders(
  fields: readonly Field[],
  isReal: (name: string) => boolean,
): ReadonlyMap<string, ReadColumn> {
  const variants = variantsOf(fields, { isReal });
  const byColumn = Map.groupBy(fields, ({ name }) => variants.get(name));
  const readers = new Map<string, ReadColumn>();
  for (const { name, type } of fields) {
    if (variants.has(name)) continue;
    const own = valueReader(type);
    const others = (byColumn.get(name) ?? []).map((field) => ({
      name: field.name,
      read: variantReader(field),
    }));
    readers.set(name, (row) => {
      // Columns go by names that every object has, too.
      const value = Object.hasOwn(row, name) ? row[name] : undefined;
      if (isThere(value)) return own(value);
      for (const other of others) if (isThere(row[other.name])) return other.read(row[other.name]);
      return value;
    });
  }
  return readers;
}

function variantReader({ name, type }: Field): (value: unknown) => unknown {
  return /__v_json(?:_\d+)?$/.test(name) ? parsed : valueReader(type);
}

function valueReader(type: ColumnType): (value: unknown) => unknown {
  switch (type.kind) {
    case "json":
      return type.mixed === undefined ? (value) => value : parsed;
    case "struct": {
      const readers = memberReaders(type.fields, () => false);
      return (value) => {
        const object = {};
        for (const [name, read] of readers)
          // Assigning to `__proto__` would set the prototype.
          Object.defineProperty(object, name, {
            value: read(value as StoredRow),
            enumerable: true,
            writable: true,
            configurable: true,
          });
        return object;
      };
    }
    case "list": {
      const read = valueReader(type.element.type);
      return (value) => (Array.isArray(value) ? value.map((one) => (isThere(one) ? read(one) : one)) : value);
    }
    case "map": {
      const read = valueReader(type.value.type);
      return (value) =>
        value instanceof Map
          ? new Map(Array.from(value, ([key, one]) => [key, isThere(one) ? read(one) : one]))
          : value;
    }
    default:
      return (value) => value;
  }
}

/** JSON as a value: text where the driver does not parse it. */
export function parsed(json: unknown): unknown {
  return typeof json === "string" ? parseExact(json) : json;
}

/** Whether there is a value. */
export function isThere(value: unknown): boolean {
  return value !== null && value !== undefined;
}
