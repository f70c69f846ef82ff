import { AlluviumError } from "../errors.ts";
import type { Field, Schema } from "../schema/types.ts";
import { Converted, Logical, Repetition } from "./format.ts";
import { invalid } from "./invalid.ts";
import { leafType, type ReadLeaf } from "./read-type.ts";
import type { ShapeNode } from "./shape.ts";
import {
  asStruct,
  numberAt,
  structAt,
  textAt,
  type ThriftStruct,
  type ThriftValue,
} from "./thrift-reader.ts";

/** A file's schema: the columns as we see them and the leaves as they are stored. */
export interface ReadShape {
  readonly schema: Schema;
  /** One a column. */
  readonly roots: readonly ShapeNode[];
  readonly leaves: readonly ReadLeaf[];
}

interface Element {
  readonly name: string;
  readonly repetition: number;
  readonly id: number | undefined;
  readonly converted: number | undefined;
  readonly logical: ThriftStruct | undefined;
  readonly raw: ThriftStruct;
  readonly children: readonly Element[] | undefined;
}

const MAX_DEPTH = 100;

/**
 * Reads the flattened schema. Lists are taken in every form that writers have used.
 * Source: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
 */
export function readSchema(elements: readonly ThriftValue[]): ReadShape {
  const cursor = { at: 0 };
  const root = readElement(elements, cursor, 0);
  if (cursor.at !== elements.length) throw invalid("the schema has elements that belong to no group");
  const leaves: ReadLeaf[] = [];
  const roots = (root.children ?? []).map((child) => place(child, [], 0, 0, leaves));
  const names = new Set<string>();
  for (const { field } of roots) {
    if (names.has(field.name)) throw invalid(`two columns have the name ${JSON.stringify(field.name)}`);
    names.add(field.name);
  }
  return { schema: { fields: roots.map(({ field }) => field) }, roots, leaves };
}

function readElement(elements: readonly ThriftValue[], cursor: { at: number }, depth: number): Element {
  const value = elements[cursor.at++];
  if (value === undefined) throw invalid("the schema ends within a group");
  if (depth > MAX_DEPTH) throw invalid(`the schema is nested deeper than ${MAX_DEPTH} levels`);
  const raw = asStruct(value, "a schema element");
  const count = numberAt(raw, 5, "a number of children") ?? 0;
  if (count < 0 || count > elements.length) throw invalid(`a group of the schema has ${count} children`);
  // A leaf has a physical type; a group without members has neither.
  const children: Element[] | undefined = raw[1] === undefined ? [] : undefined;
  if (children !== undefined)
    for (let i = 0; i < count; i++) children.push(readElement(elements, cursor, depth + 1));
  return {
    name: textAt(raw, 4, "a name in the schema") ?? "",
    repetition: numberAt(raw, 3, "a repetition") ?? Repetition.required,
    id: numberAt(raw, 9, "a field id"),
    converted: numberAt(raw, 6, "a converted type"),
    logical: structAt(raw, 10, "a logical type"),
    raw,
    children,
  };
}

/** A field where its own repetition counts: a repeated one without annotation is a list that is never null. */
function place(
  element: Element,
  path: readonly string[],
  definition: number,
  repetition: number,
  leaves: ReadLeaf[],
): ShapeNode {
  if (element.repetition !== Repetition.repeated)
    return placeSingle(element, path, definition, repetition, leaves);
  const inner = { ...element, repetition: Repetition.required };
  const item = placeSingle(inner, path, definition + 1, repetition + 1, leaves);
  const field: Field = {
    name: element.name,
    nullable: false,
    type: { kind: "list", element: { ...item.field, name: "element" } },
    ...idOf(element),
  };
  return { kind: "list", field, definition, repetition: repetition + 1, element: item };
}

function placeSingle(
  element: Element,
  parent: readonly string[],
  outer: number,
  repetition: number,
  leaves: ReadLeaf[],
): ShapeNode {
  const path = [...parent, element.name];
  const nullable = element.repetition === Repetition.optional;
  const definition = outer + (nullable ? 1 : 0);
  if (definition > 250 || repetition > 250)
    throw new AlluviumError("ALV_UNSUPPORTED", `column ${path.join(".")} is nested deeper than 250 levels`);
  const base = { name: element.name, nullable, ...idOf(element) };
  const { children } = element;
  if (children === undefined) {
    const leaf: ReadLeaf = {
      index: leaves.length,
      path,
      maxDefinition: definition,
      maxRepetition: repetition,
      ...leafType(element.raw, path.join(".")),
    };
    leaves.push(leaf);
    return { kind: "leaf", field: { ...base, type: leaf.type }, definition, leaf };
  }
  const only = children.length === 1 ? children[0]! : undefined;
  if (only?.repetition === Repetition.repeated) {
    if (isMap(element) && only.children?.length === 2)
      return placeMap(base, only, path, definition, repetition, leaves);
    if (isList(element) || isMap(element))
      return placeList(base, element, only, path, definition, repetition, leaves);
  }
  const members = children.map((child) => place(child, path, definition, repetition, leaves));
  const fields = members.map(({ field }) => field);
  if (members.length === 0)
    throw new AlluviumError("ALV_UNSUPPORTED", `column ${path.join(".")} is a group without members`);
  return { kind: "struct", field: { ...base, type: { kind: "struct", fields } }, definition, members };
}

function placeMap(
  base: Omit<Field, "type">,
  entry: Element,
  path: readonly string[],
  definition: number,
  repetition: number,
  leaves: ReadLeaf[],
): ShapeNode {
  const [first, second] = entry.children as readonly [Element, Element];
  const inner = [...path, entry.name];
  // Keys are never null, though some old writers declare them optional.
  const key = place(first, inner, definition + 1, repetition + 1, leaves);
  const value = place(second, inner, definition + 1, repetition + 1, leaves);
  return {
    kind: "map",
    field: {
      ...base,
      type: {
        kind: "map",
        key: { ...key.field, name: "key", nullable: false },
        value: { ...value.field, name: "value" },
      },
    },
    definition,
    repetition: repetition + 1,
    key,
    value,
  };
}

function placeList(
  base: Omit<Field, "type">,
  element: Element,
  repeated: Element,
  path: readonly string[],
  definition: number,
  repetition: number,
  leaves: ReadLeaf[],
): ShapeNode {
  const inside = repeated.children;
  // With three levels the repeated group is only a wrapper; with two it is the element itself.
  const wrapper =
    inside?.length === 1 &&
    repeated.name !== "array" &&
    repeated.name !== `${element.name}_tuple` &&
    inside[0]!.repetition !== Repetition.repeated &&
    !isList(repeated) &&
    !isMap(repeated);
  const item = wrapper
    ? place(inside[0]!, [...path, repeated.name], definition + 1, repetition + 1, leaves)
    : placeSingle(
        { ...repeated, repetition: Repetition.required },
        path,
        definition + 1,
        repetition + 1,
        leaves,
      );
  return {
    kind: "list",
    field: { ...base, type: { kind: "list", element: { ...item.field, name: "element" } } },
    definition,
    repetition: repetition + 1,
    element: item,
  };
}

function isList({ converted, logical }: Element): boolean {
  return converted === Converted.list || logical?.[Logical.list] !== undefined;
}

function isMap({ converted, logical }: Element): boolean {
  return (
    converted === Converted.map || converted === Converted.mapKeyValue || logical?.[Logical.map] !== undefined
  );
}

function idOf({ id }: Element): { readonly id?: number } {
  return id === undefined ? {} : { id };
}
