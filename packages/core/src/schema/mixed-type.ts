import { castVector } from "../columns/cast.ts";
import type { Vector } from "../columns/vector.ts";
import { isNested, membersOf, withMembers, withType } from "./members.ts";
import type { ColumnType, Field } from "./types.ts";

/** The way to a column or a part of it: its name, then names of members, `[]` for the elements of a list and `{}` for the values of a map. */
export type TypePath = readonly string[];

/** Whether a column holds values of several kinds. */
export function isMixed(type: ColumnType): boolean {
  return type.kind === "json" && type.mixed !== undefined;
}

/** Whether values of several kinds stand in a column, at any depth. */
export function hasMixed(type: ColumnType): boolean {
  return isMixed(type) || membersOf(type).some((member) => hasMixed(member.type));
}

/** What {@link settleMixed} goes by. */
export interface Settling {
  /** Whether values that a column does not hold may go into variants. */
  readonly splits: boolean;
  /** Told of what becomes JSON because of its values. */
  readonly onJson: (path: TypePath) => void;
}

/**
 * The type by which a table grows for values of several kinds: that of the first value where the table knows nothing of the column yet, JSON where
 * that was a list or an object, nothing (`null`) where the table has a type. Members of structs go by themselves; a new list in which values are
 * mixed is JSON as a whole.
 */
export function settleMixed(
  type: ColumnType,
  own: ColumnType | undefined,
  path: TypePath,
  settling: Settling,
): ColumnType {
  if (!hasMixed(type)) return type;
  const isKnown = own !== undefined && own.kind !== "null";
  if (type.kind === "json") {
    if (isKnown) return { kind: "null" };
    const { mixed } = type;
    if (settling.splits && mixed !== undefined && !isNested(mixed) && mixed.kind !== "binary") return mixed;
    settling.onJson(path);
    return { kind: "json" };
  }
  if (type.kind === "struct") {
    if (isKnown && own.kind !== "struct") return { kind: "json" };
    const members = new Map(isKnown ? membersOf(own).map((member) => [member.name, member.type]) : []);
    return withMembers(
      type,
      type.fields.map((field) =>
        withType(field, settleMixed(field.type, members.get(field.name), [...path, field.name], settling)),
      ),
    );
  }
  if (isKnown && own.kind !== type.kind) return { kind: "json" };
  if (!isKnown) {
    settling.onJson(path);
    return { kind: "json" };
  }
  const members = membersOf(own);
  return withMembers(
    type,
    membersOf(type).map((field, i) => {
      const step = i === membersOf(type).length - 1 ? (type.kind === "list" ? "[]" : "{}") : "{key}";
      return withType(field, settleMixed(field.type, members[i]?.type, [...path, step], settling));
    }),
  );
}

/**
 * A column whose part at `path` is JSON text, as what a table remembers to be JSON is written; `path` is the way from the column on. `undefined` where
 * it has no such part.
 */
export function jsonAt(vector: Vector, path: TypePath): Vector | undefined {
  const [step, ...rest] = path;
  if (step === undefined) {
    const json = castVector(vector, { kind: "json" });
    return hasMixed(json.type) ? ({ ...json, type: { kind: "json" } } as Vector) : json;
  }
  const { type } = vector;
  if (vector.layout === "struct" && type.kind === "struct") {
    const at = type.fields.findIndex(({ name }) => name === step);
    const child = at < 0 ? undefined : jsonAt(vector.children[at]!, rest);
    if (child === undefined) return undefined;
    return {
      ...vector,
      type: { kind: "struct", fields: typed(type.fields, at, child.type) },
      children: vector.children.with(at, child),
    };
  }
  if (vector.layout === "list" && type.kind === "list" && step === "[]") {
    const child = jsonAt(vector.child, rest);
    if (child === undefined) return undefined;
    return { ...vector, type: { kind: "list", element: withType(type.element, child.type) }, child };
  }
  if (vector.layout === "map" && type.kind === "map" && step === "{}") {
    const values = jsonAt(vector.values, rest);
    if (values === undefined) return undefined;
    return { ...vector, type: { ...type, value: withType(type.value, values.type) }, values };
  }
  return undefined;
}

/** Fields of which the part at `path` is JSON: what a table means, where it stores JSON as text. */
export function jsonFields(fields: readonly Field[], path: TypePath): readonly Field[] {
  const [name, ...rest] = path;
  const at = fields.findIndex((field) => field.name === name);
  return at < 0 ? fields : typed(fields, at, jsonType(fields[at]!.type, rest));
}

/** A type whose part at `path` is JSON. */
export function jsonType(type: ColumnType, path: TypePath): ColumnType {
  const [step, ...rest] = path;
  if (step === undefined) return { kind: "json" };
  if (type.kind === "struct") return { kind: "struct", fields: jsonFields(type.fields, path) };
  if (type.kind === "list" && step === "[]")
    return { kind: "list", element: withType(type.element, jsonType(type.element.type, rest)) };
  return type.kind === "map" && step === "{}"
    ? { ...type, value: withType(type.value, jsonType(type.value.type, rest)) }
    : type;
}

function typed(fields: readonly Field[], at: number, type: ColumnType): readonly Field[] {
  return fields.with(at, withType(fields[at]!, type));
}
