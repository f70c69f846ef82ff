import { AlluviumError } from "../errors.ts";
import type { ColumnType, Field, Schema } from "../schema/types.ts";
import { Physical } from "./format.ts";

/** How a schema lies in a file: the tree of its groups, and the leaves that become column chunks. */
export interface Shape {
  /** One a column of the schema; `undefined` where the column is left out because its type is unknown. */
  readonly roots: readonly (ShapeNode | undefined)[];
  readonly leaves: readonly Leaf[];
}

/** One field of the schema and what becomes of it. */
export type ShapeNode = LeafNode | StructNode | ListNode | MapNode;

interface NodeBase {
  readonly field: Field;
  /** Definition level of a value that is not null here. */
  readonly definition: number;
}

/** A column chunk. */
interface LeafNode extends NodeBase {
  readonly kind: "leaf";
  readonly leaf: Leaf;
}

/** Members; those of unknown type are `undefined`. */
export interface StructNode extends NodeBase {
  readonly kind: "struct";
  readonly members: readonly (ShapeNode | undefined)[];
}

/** A list; its elements have definition level `definition + 1` and repetition level `repetition`. */
export interface ListNode extends NodeBase {
  readonly kind: "list";
  readonly repetition: number;
  readonly element: ShapeNode;
}

/** A map; its entries have definition level `definition + 1` and repetition level `repetition`. */
export interface MapNode extends NodeBase {
  readonly kind: "map";
  readonly repetition: number;
  readonly key: ShapeNode;
  readonly value: ShapeNode;
}

/** One column chunk per row group. */
export interface Leaf {
  readonly index: number;
  /** Names in the file from the column down, `list`, `element` and `key_value` included. */
  readonly path: readonly string[];
  readonly type: ColumnType;
  readonly physical: Physical;
  /** Bytes of a fixed-length value, 0 for other physical types. */
  readonly width: number;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

const MAX_LEVEL = 255;

/** Lays out a schema. Fields of unknown type (`null`, or made only of such) are left out. */
export function shapeOf(schema: Schema): Shape {
  const leaves: Leaf[] = [];
  const place = (field: Field, path: readonly string[], definition: number, repetition: number) =>
    placeField(field, [...path, field.name], definition, repetition, leaves);
  return { roots: schema.fields.map((field) => place(field, [], 0, 0)), leaves };
}

/** Whether a type is written at all: `null` is not, nor what holds nothing else. */
function isKnown(type: ColumnType): boolean {
  switch (type.kind) {
    case "null":
      return false;
    case "list":
      return isKnown(type.element.type);
    case "map":
      return isKnown(type.key.type) && isKnown(type.value.type);
    case "struct":
      return type.fields.some((field) => isKnown(field.type));
    default:
      return true;
  }
}

function placeField(
  field: Field,
  path: readonly string[],
  outerDefinition: number,
  repetition: number,
  leaves: Leaf[],
): ShapeNode | undefined {
  const { type } = field;
  if (!isKnown(type)) return undefined;
  const definition = outerDefinition + (field.nullable ? 1 : 0);
  if (definition > MAX_LEVEL - 2)
    throw new AlluviumError("ALV_UNSUPPORTED", `${path.join(".")} is nested deeper than ${MAX_LEVEL} levels`);
  switch (type.kind) {
    case "struct":
      return {
        kind: "struct",
        field,
        definition,
        members: type.fields.map((member) =>
          placeField(member, [...path, member.name], definition, repetition, leaves),
        ),
      };
    case "list":
      return {
        kind: "list",
        field,
        definition,
        repetition: repetition + 1,
        element: placeField(
          { ...type.element, name: "element" },
          [...path, "list", "element"],
          definition + 1,
          repetition + 1,
          leaves,
        )!,
      };
    case "map": {
      const entry = [...path, "key_value"];
      const key = { ...type.key, name: "key", nullable: false };
      const value = { ...type.value, name: "value" };
      return {
        kind: "map",
        field,
        definition,
        repetition: repetition + 1,
        key: placeField(key, [...entry, "key"], definition + 1, repetition + 1, leaves)!,
        value: placeField(value, [...entry, "value"], definition + 1, repetition + 1, leaves)!,
      };
    }
    default: {
      const leaf: Leaf = {
        index: leaves.length,
        path,
        type,
        ...physicalOf(type),
        maxDefinition: definition,
        maxRepetition: repetition,
      };
      leaves.push(leaf);
      return { kind: "leaf", field, definition, leaf };
    }
  }
}

/** The physical type that holds a column type, and the width of a fixed-length one. */
function physicalOf(type: ColumnType): { readonly physical: Physical; readonly width: number } {
  switch (type.kind) {
    case "boolean":
      return { physical: Physical.boolean, width: 0 };
    case "int8":
    case "int16":
    case "int32":
    case "date":
      return { physical: Physical.int32, width: 0 };
    case "int64":
    case "time":
    case "timestamp":
      return { physical: Physical.int64, width: 0 };
    case "float32":
      return { physical: Physical.float, width: 0 };
    case "float64":
      return { physical: Physical.double, width: 0 };
    case "decimal":
      if (type.precision <= 9) return { physical: Physical.int32, width: 0 };
      if (type.precision <= 18) return { physical: Physical.int64, width: 0 };
      return { physical: Physical.fixed, width: decimalBytes(type.precision) };
    case "uuid":
      return { physical: Physical.fixed, width: 16 };
    case "string":
    case "json":
    case "binary":
      return { physical: Physical.byteArray, width: 0 };
    default:
      throw new AlluviumError("ALV_INTERNAL", `${type.kind} is no leaf type`);
  }
}

/** The fewest bytes whose two's complement holds every decimal of `precision` digits. */
function decimalBytes(precision: number): number {
  return Math.ceil((precision * Math.log2(10) + 1) / 8);
}
