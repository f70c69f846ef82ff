import { nullVector } from "../columns/null-vector.ts";
import { takeVector } from "../columns/take.ts";
import type { Vector } from "../columns/vector.ts";
import { invalid } from "./invalid.ts";
import type { LeafRows } from "./leaf-reader.ts";
import type { Leaf, ListNode, MapNode, ShapeNode, StructNode } from "./shape.ts";

/**
 * Puts leaves with levels together to nested vectors: the reverse of taking them apart. The rows of a node are the slots that begin
 * a value there: those whose repetition level is at most `repetition` and whose definition level reaches `definition`, both of the
 * list that surrounds it.
 */
export function assemble(node: ShapeNode, rowsOf: (leaf: Leaf) => LeafRows): Vector {
  return build(node, rowsOf, 0, 0);
}

type RowsOf = (leaf: Leaf) => LeafRows;

function build(node: ShapeNode, rowsOf: RowsOf, repetition: number, definition: number): Vector {
  switch (node.kind) {
    case "leaf":
      return buildLeaf(node.leaf, rowsOf(node.leaf), definition);
    case "struct":
      return buildStruct(node, rowsOf, repetition, definition);
    case "list": {
      const { base, offsets } = buildOffsets(node, rowsOf, repetition, definition);
      const child = build(node.element, rowsOf, node.repetition, node.definition + 1);
      checkLength(offsets, child, node);
      return { ...base, layout: "list", offsets, child };
    }
    case "map": {
      const { base, offsets } = buildOffsets(node, rowsOf, repetition, definition);
      const keys = build(node.key, rowsOf, node.repetition, node.definition + 1);
      const values = build(node.value, rowsOf, node.repetition, node.definition + 1);
      checkLength(offsets, keys, node);
      checkLength(offsets, values, node);
      if (keys.nullCount > 0) throw invalid(`map ${node.field.name} has a key that is null`);
      return { ...base, layout: "map", offsets, keys, values };
    }
  }
}

/** Every slot of a leaf begins a row for it, unless it ended further up. */
function buildLeaf(leaf: Leaf, { slots, definitions, dense }: LeafRows, definition: number): Vector {
  if (definitions === undefined) return dense;
  const { maxDefinition, type } = leaf;
  const rows = new Int32Array(slots);
  let count = 0;
  let value = 0;
  for (let i = 0; i < slots; i++) {
    const level = definitions[i]!;
    if (level === maxDefinition) rows[count++] = value++;
    else if (level >= definition) rows[count++] = -1;
  }
  if (value === count) return dense;
  if (value === 0) return nullVector(type, count);
  return takeVector(dense, rows.subarray(0, count));
}

function buildStruct(node: StructNode, rowsOf: RowsOf, repetition: number, definition: number): Vector {
  const { definitions, repetitions, slots } = rowsOf(firstLeaf(node));
  const validity = new Uint8Array((slots + 7) >> 3);
  let length = 0;
  let nullCount = 0;
  for (let i = 0; i < slots; i++) {
    if (repetitions !== undefined && repetitions[i]! > repetition) continue;
    const level = definitions === undefined ? Infinity : definitions[i]!;
    if (level < definition) continue;
    if (level >= node.definition) validity[length >> 3]! |= 1 << (length & 7);
    else nullCount++;
    length++;
  }
  const children = node.members.map((member) => build(member!, rowsOf, repetition, definition));
  if (children.some((child) => child.length !== length))
    throw invalid(`the members of ${node.field.name} have different numbers of rows`);
  return {
    layout: "struct",
    type: node.field.type,
    length,
    nullCount,
    validity: nullCount > 0 ? validity : undefined,
    children,
  };
}

function buildOffsets(
  node: ListNode | MapNode,
  rowsOf: RowsOf,
  repetition: number,
  definition: number,
): {
  readonly base: Pick<Vector, "type" | "length" | "nullCount" | "validity">;
  readonly offsets: Int32Array;
} {
  const { definitions, repetitions, slots } = rowsOf(firstLeaf(node));
  const offsets = new Int32Array(slots + 1);
  const validity = new Uint8Array((slots + 7) >> 3);
  let length = 0;
  let nullCount = 0;
  let elements = 0;
  for (let i = 0; i < slots; i++) {
    const again = repetitions === undefined ? 0 : repetitions[i]!;
    const level = definitions === undefined ? Infinity : definitions[i]!;
    if (level < definition) continue;
    if (again <= repetition) {
      // A new list; the one before ends here.
      offsets[length] = elements;
      if (level >= node.definition) validity[length >> 3]! |= 1 << (length & 7);
      else nullCount++;
      length++;
    } else if (length === 0) throw invalid(`list ${node.field.name} begins in the middle of a row`);
    if (again <= node.repetition && level > node.definition) elements++;
  }
  offsets[length] = elements;
  return {
    base: {
      type: node.field.type,
      length,
      nullCount,
      validity: nullCount > 0 ? validity : undefined,
    },
    offsets: offsets.subarray(0, length + 1),
  };
}

function checkLength(offsets: Int32Array, child: Vector, node: ListNode | MapNode): void {
  if (offsets[offsets.length - 1] !== child.length)
    throw invalid(
      `${node.kind} ${node.field.name} has ${child.length} elements where its offsets end at ${offsets[offsets.length - 1]}`,
    );
}

/** Any leaf below tells of its parents; the first does. */
function firstLeaf(node: ShapeNode): Leaf {
  switch (node.kind) {
    case "leaf":
      return node.leaf;
    case "struct":
      return firstLeaf(node.members.find((member) => member !== undefined)!);
    case "list":
      return firstLeaf(node.element);
    case "map":
      return firstLeaf(node.key);
  }
}
