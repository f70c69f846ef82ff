import {
  isValid,
  type ListVector,
  type MapVector,
  type StructVector,
  type Vector,
} from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import type { Leaf, ShapeNode } from "./shape.ts";

/**
 * Rows of a nested column taken apart into leaves with definition and repetition levels.
 * Source: Dremel (Melnik et al., 2010) and https://github.com/apache/parquet-format#nested-encoding
 */

/** What one leaf gets of some rows. */
export interface Shredded {
  readonly leaf: Leaf;
  readonly vector: Vector;
  /** Levels per slot. */
  readonly definitions: Uint8Array;
  readonly repetitions: Uint8Array;
  /** Rows of `vector` that hold the values, in the order of the slots that have one. */
  readonly positions: Int32Array;
  /** `vector` is a dictionary. */
  readonly shared: boolean;
}

/** The slots at one place of the tree. A slot that ended further up (null or empty) has position -1. */
interface Slots {
  readonly count: number;
  readonly definitions: Uint8Array;
  readonly repetitions: Uint8Array;
  readonly positions: Int32Array;
}

/** Takes rows `[start, end)` of a column apart. */
export function shred(node: ShapeNode, vector: Vector, start: number, end: number): Shredded[] {
  const count = end - start;
  const positions = new Int32Array(count);
  for (let i = 0; i < count; i++) positions[i] = start + i;
  const out: Shredded[] = [];
  descend(
    node,
    vector,
    { count, definitions: new Uint8Array(count), repetitions: new Uint8Array(count), positions },
    out,
  );
  return out;
}

function descend(node: ShapeNode, vector: Vector, outer: Slots, out: Shredded[]): void {
  if (vector.layout === "dictionary") {
    const { slots, dictionary } = throughDictionary(node, vector, outer);
    if (node.kind === "leaf") out.push(leafOf(node.leaf, dictionary, slots, true));
    else descendValid(node, dictionary, slots, out);
    return;
  }
  const slots = throughValidity(node, vector, outer);
  if (node.kind === "leaf") out.push(leafOf(node.leaf, vector, slots, false));
  else descendValid(node, vector, slots, out);
}

function descendValid(
  node: Exclude<ShapeNode, { readonly kind: "leaf" }>,
  vector: Vector,
  slots: Slots,
  out: Shredded[],
): void {
  if (vector.layout === "null") {
    // Every slot has ended: the leaves below get them as they are.
    for (const child of childrenOf(node)) descend(child, vector, slots, out);
    return;
  }
  if (node.kind === "struct" && vector.layout === "struct") {
    const { children } = vector as StructVector;
    node.members.forEach((member, i) => {
      if (member !== undefined) descend(member, children[i]!, slots, out);
    });
    return;
  }
  if (node.kind === "list" && vector.layout === "list") {
    const { offsets, child } = vector as ListVector;
    descend(node.element, child, throughOffsets(node.repetition, offsets, slots), out);
    return;
  }
  if (node.kind === "map" && vector.layout === "map") {
    const { offsets, keys, values } = vector as MapVector;
    const entries = throughOffsets(node.repetition, offsets, slots);
    descend(node.key, keys, entries, out);
    descend(node.value, values, entries, out);
    return;
  }
  throw new AlluviumError(
    "ALV_INTERNAL",
    `field ${node.field.name} of type ${node.kind} came with layout ${vector.layout}`,
  );
}

function childrenOf(node: Exclude<ShapeNode, { readonly kind: "leaf" }>): ShapeNode[] {
  if (node.kind === "struct") return node.members.filter((member) => member !== undefined);
  return node.kind === "list" ? [node.element] : [node.key, node.value];
}

/** Ends the slots that are null here and raises the level of the others, if nulls are allowed. */
function throughValidity(node: ShapeNode, vector: Vector, outer: Slots): Slots {
  if (!node.field.nullable && vector.nullCount === 0) return outer;
  const { count, repetitions } = outer;
  const definitions = outer.definitions.slice(0, count);
  let { positions } = outer;
  if (vector.nullCount === 0) {
    for (let i = 0; i < count; i++) if (positions[i]! >= 0) definitions[i]!++;
    return { count, definitions, repetitions, positions };
  }
  positions = positions.slice(0, count);
  for (let i = 0; i < count; i++) {
    const position = positions[i]!;
    if (position < 0) continue;
    if (isValid(vector, position)) definitions[i]!++;
    else if (node.field.nullable) positions[i] = -1;
    else throw unexpectedNull(node);
  }
  // A required parent with nulls elsewhere keeps its level.
  if (!node.field.nullable) return outer;
  return { count, definitions, repetitions, positions };
}

function throughDictionary(
  node: ShapeNode,
  vector: Extract<Vector, { readonly layout: "dictionary" }>,
  outer: Slots,
): { readonly slots: Slots; readonly dictionary: Vector } {
  const valid = throughValidity(node, vector, outer);
  const positions = valid.positions.slice(0, valid.count);
  for (let i = 0; i < positions.length; i++)
    if (positions[i]! >= 0) positions[i] = vector.codes[positions[i]!]!;
  let { dictionary } = vector;
  while (dictionary.layout === "dictionary") {
    for (let i = 0; i < positions.length; i++)
      if (positions[i]! >= 0) positions[i] = dictionary.codes[positions[i]!]!;
    ({ dictionary } = dictionary);
  }
  return { slots: { ...valid, positions }, dictionary };
}

/** Opens lists: a slot per element, one for an empty list. */
function throughOffsets(repetition: number, offsets: Int32Array, outer: Slots): Slots {
  let total = 0;
  for (let i = 0; i < outer.count; i++) {
    const row = outer.positions[i]!;
    const length = row < 0 ? 0 : offsets[row + 1]! - offsets[row]!;
    total += length === 0 ? 1 : length;
  }
  const definitions = new Uint8Array(total);
  const repetitions = new Uint8Array(total);
  const positions = new Int32Array(total);
  let at = 0;
  for (let i = 0; i < outer.count; i++) {
    const row = outer.positions[i]!;
    const definition = outer.definitions[i]!;
    const first = row < 0 ? 0 : offsets[row]!;
    const length = row < 0 ? 0 : offsets[row + 1]! - first;
    repetitions[at] = outer.repetitions[i]!;
    if (length === 0) {
      definitions[at] = definition;
      positions[at++] = -1;
      continue;
    }
    for (let j = 0; j < length; j++) {
      if (j > 0) repetitions[at] = repetition;
      definitions[at] = definition + 1;
      positions[at++] = first + j;
    }
  }
  return { count: total, definitions, repetitions, positions };
}

function leafOf(leaf: Leaf, vector: Vector, slots: Slots, shared: boolean): Shredded {
  const { count, definitions, repetitions } = slots;
  let valid = 0;
  for (let i = 0; i < count; i++) if (slots.positions[i]! >= 0) valid++;
  let { positions } = slots;
  if (valid < count) {
    positions = new Int32Array(valid);
    for (let i = 0, at = 0; i < count; i++)
      if (slots.positions[i]! >= 0) positions[at++] = slots.positions[i]!;
  }
  return { leaf, vector, definitions, repetitions, positions, shared };
}

/** A null where the schema allows none. */
export function unexpectedNull(node: ShapeNode): AlluviumError {
  const name = node.kind === "leaf" ? node.leaf.path.join(".") : node.field.name;
  return new AlluviumError("ALV_ROW_INVALID", `${name} is declared as never null but a row holds a null`);
}
