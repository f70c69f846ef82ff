import type { Batch } from "../columns/batch.ts";
import { castVector } from "../columns/cast.ts";
import { materialize } from "../columns/dictionary.ts";
import { onlyRows, validRows } from "../columns/marked-rows.ts";
import { mixedParts } from "../columns/mixed-parts.ts";
import { sliceVector } from "../columns/slice.ts";
import { takeVector } from "../columns/take.ts";
import {
  isValid,
  type ListVector,
  type MapVector,
  type StructVector,
  type Vector,
} from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import { isMixed } from "../schema/mixed-type.ts";
import { isNested, withMembers, withType } from "../schema/members.ts";
import type { ColumnType, Field, Schema, StructType } from "../schema/types.ts";
import { hollowRows, markVector, maskedBy } from "./bits.ts";
import type { NestingPlan } from "./choice.ts";
import { nameOf, pointerOf, tokenName, type Empty } from "./path.ts";
import { withoutUnknown } from "../columns/without-unknown.ts";

/** One table's share of a batch, before its system columns. */
export interface SplitTable {
  /** By the names of the lists that it is made of, from the root, joined by dots (`items.tags`); of the root "". A list in a list is `value`. */
  readonly path: string;
  /** Where that list stands in a row of `parent`: a JSON Pointer. */
  readonly pointer: string;
  /** `undefined`: this is the root. */
  readonly parent: SplitTable | undefined;
  readonly schema: Schema;
  readonly columns: readonly Vector[];
  readonly length: number;
  /** Row of `parent` to which each row belongs. */
  readonly parents: Int32Array;
  /** Row of the root to which each row belongs. */
  readonly roots: Int32Array;
  /** Position in its list, from 0. */
  readonly index: BigInt64Array;
}

/** A table in the making. */
interface Draft extends Omit<SplitTable, "parent" | "schema" | "columns"> {
  readonly parent: Draft | undefined;
  readonly fields: Field[];
  readonly vectors: Vector[];
}

/** Where a value stands. */
interface Place {
  /** By the names that lead to it in its table's row. */
  readonly path: readonly string[];
  /** By the names that lead to it from the root. */
  readonly full: readonly string[];
  /** How many lists, maps and objects it stands in, itself included. */
  readonly level: number;
  readonly nullable: boolean;
}

const JSON_TYPE: ColumnType = { kind: "json" };

/**
 * Divides a batch into the root's rows and those of child tables, column by column: the rows of a list become rows of a child table, the
 * members of an object columns of the table in which it stands, what is to be JSON becomes text, and the rest stays as it is. Columns keep
 * the order and are named as `path.ts` says. The root comes first, each child behind its parent. Values are shared with the batch where their rows
 * stay together.
 *
 * Nothing is lost: a value that is there and leaves no trace otherwise (an empty list or map, an object without a value) is true in a column
 * of its own, and one that stays, but whose type is not known yet, is JSON in one; such columns have no type as long as nothing needs them. An absent
 * member is null, as everywhere.
 */
export function splitNested({ schema, columns, length }: Batch, plan: NestingPlan): readonly SplitTable[] {
  const rows = new Int32Array(0);
  const root: Draft = {
    path: "",
    pointer: "",
    parent: undefined,
    fields: [],
    vectors: [],
    length,
    parents: rows,
    roots: rows,
    index: new BigInt64Array(0),
  };
  const drafts: Draft[] = [root];
  schema.fields.forEach(({ name, nullable }, i) =>
    place(columns[i]!, { path: [name], full: [name], level: 1, nullable }, root, drafts, plan),
  );
  const made = new Map<Draft, SplitTable>();
  for (const { fields, vectors, parent, ...draft } of drafts) {
    const self = drafts[made.size]!;
    made.set(self, {
      ...draft,
      parent: parent && made.get(parent)!,
      schema: { fields },
      columns: vectors,
    });
  }
  return [...made.values()];
}

function put({ fields, vectors }: Draft, name: string, vector: Vector, nullable: boolean): void {
  fields.push({ name, type: vector.type, nullable });
  vectors.push(vector);
}

/** Puts a value where the plan wants it. */
function place(given: Vector, at: Place, table: Draft, drafts: Draft[], plan: NestingPlan): void {
  const choice = plan.at(at.full, at.level);
  if (isMixed(given.type) && choice === "tables") return placeMixed(given, at, table, drafts, plan);
  if (!isNested(given.type)) return put(table, nameOf(at.path), given, at.nullable);
  const vector = given.layout === "dictionary" ? materialize(given) : given;
  switch (choice) {
    case "json":
      return put(table, nameOf(at.path), castVector(vector, JSON_TYPE), at.nullable);
    case "native": {
      const kept = native(vector, at, plan, (inner, inside) => place(inner, inside, table, drafts, plan));
      const { known, unknown } = withoutUnknown(kept);
      put(table, nameOf(at.path), known, at.nullable || unknown.nullCount < unknown.length);
      return put(table, tokenName(at.path, "json"), unknown, true);
    }
    case "tables":
      if (vector.layout === "struct") flatten(vector, at, table, drafts, plan);
      else unfold(vector as ListVector | MapVector, at, table, drafts, plan);
  }
}

/** Of values of several kinds the lists and objects go their way, and the others stay together. */
function placeMixed(vector: Vector, at: Place, table: Draft, drafts: Draft[], plan: NestingPlan): void {
  let scalars: Uint8Array | undefined;
  let first: ColumnType | undefined;
  const nested: Vector[] = [];
  for (const part of mixedParts(vector, JSON_TYPE)) {
    if (isNested(part.vector.type)) nested.push(part.vector);
    else {
      first ??= part.vector.type;
      const rows = validRows(part.vector);
      scalars = scalars === undefined ? rows : rows.map((byte, i) => byte | scalars![i]!);
    }
  }
  if (first !== undefined) {
    const rest = onlyRows(vector, scalars!);
    put(table, nameOf(at.path), { ...rest, type: { kind: "json", mixed: first } } as Vector, at.nullable);
  }
  for (const part of nested) place(part, { ...at, nullable: true }, table, drafts, plan);
}

/** The members of an object as columns of its table. */
function flatten(vector: StructVector, at: Place, table: Draft, drafts: Draft[], plan: NestingPlan): void {
  const members = vector.children.map((child) => maskedBy(child, vector));
  (vector.type as StructType).fields.forEach(({ name, nullable }, i) =>
    place(members[i]!, within(at, name, at.nullable || nullable), table, drafts, plan),
  );
  putMark(table, at, "struct", hollowRows(vector, members), vector.length);
}

function within({ path, full, level }: Place, name: string, nullable: boolean): Place {
  return { path: [...path, name], full: [...full, name], level: level + 1, nullable };
}

function putMark(table: Draft, at: Place, kind: Empty, rows: Uint8Array | undefined, length: number): void {
  put(table, tokenName(at.path, kind), markVector(rows, length), true);
}

/** The elements of a list, or the entries of a map, as rows of a child table. */
function unfold(
  vector: ListVector | MapVector,
  at: Place,
  table: Draft,
  drafts: Draft[],
  plan: NestingPlan,
): void {
  const { rows, parents, index, empty } = elementsOf(vector);
  putMark(table, at, vector.layout, empty, vector.length);
  const child: Draft = {
    path: [...(table.path === "" ? [] : [table.path]), ...(at.path.length === 0 ? ["value"] : at.path)].join(
      ".",
    ),
    pointer: pointerOf(at.path),
    parent: table,
    fields: [],
    vectors: [],
    length: parents.length,
    parents,
    roots: table.parent === undefined ? parents : parents.map((parent) => table.roots[parent]!),
    index,
  };
  drafts.push(child);
  const taken = (values: Vector): Vector =>
    rows instanceof Int32Array ? takeVector(values, rows) : sliceVector(values, rows.start, rows.end);
  const element = { path: [], full: at.full, level: at.level + 1, nullable: true };
  if (vector.layout === "list") placeElement(taken(vector.child), element, child, drafts, plan);
  else {
    put(child, tokenName([], "key"), taken(vector.keys), false);
    placeElement(taken(vector.values), element, child, drafts, plan);
  }
}

/** An object in a list is the row itself, and so no deeper than the list. */
function placeElement(vector: Vector, at: Place, table: Draft, drafts: Draft[], plan: NestingPlan): void {
  if (vector.type.kind !== "struct") return place(vector, at, table, drafts, plan);
  flatten(materialize(vector) as StructVector, { ...at, level: at.level - 1 }, table, drafts, plan);
}

/** The rows that the elements of a list or map become. */
interface Elements {
  /** Which values of the child they are: some in a row, or these. */
  readonly rows: { readonly start: number; readonly end: number } | Int32Array;
  readonly parents: Int32Array;
  readonly index: BigInt64Array;
  /** The lists that are there and empty. */
  readonly empty: Uint8Array | undefined;
}

function elementsOf(vector: ListVector | MapVector): Elements {
  const { offsets, length } = vector;
  const start = offsets[0]!;
  const end = offsets[length]!;
  let total = 0;
  let empty: Uint8Array | undefined;
  for (let row = 0; row < length; row++) {
    const size = offsets[row + 1]! - offsets[row]!;
    if (vector.nullCount > 0 && !isValid(vector, row)) continue;
    total += size;
    if (size === 0) (empty ??= new Uint8Array((length + 7) >> 3))[row >> 3]! |= 1 << (row & 7);
  }
  const parents = new Int32Array(total);
  const index = new BigInt64Array(total);
  // By words: a bigint a value is many times slower.
  const low = new Int32Array(index.buffer);
  // Null lists may hold values, which are none.
  const rows = total === end - start ? { start, end } : new Int32Array(total);
  for (let row = 0, at = 0; row < length; row++) {
    if (vector.nullCount > 0 && !isValid(vector, row)) continue;
    const first = offsets[row]!;
    const size = offsets[row + 1]! - first;
    for (let i = 0; i < size; i++, at++) {
      parents[at] = row;
      low[2 * at] = i;
      if (rows instanceof Int32Array) rows[at] = first + i;
    }
  }
  return { rows, parents, index, empty };
}

/** Takes a value out of an object that stays. */
type Extract = (vector: Vector, at: Place) => void;

/** A value that stays as it is, but for what is inside of it. */
function native(vector: Vector, at: Place, plan: NestingPlan, extract: Extract): Vector {
  if (!isNested(vector.type) || !plan.differsInside(at.full)) return vector;
  switch (vector.layout) {
    case "struct": {
      const fields: Field[] = [];
      const children: Vector[] = [];
      (vector.type as StructType).fields.forEach((field, i) => {
        const inside = within(at, field.name, at.nullable || field.nullable);
        const child = maskedBy(vector.children[i]!, vector);
        if (isNested(child.type) && plan.at(inside.full, inside.level) === "tables")
          return extract(child, inside);
        const kept = keep(child, inside, plan, extract);
        fields.push(withType(field, kept.type));
        children.push(kept);
      });
      return { ...vector, type: withMembers(vector.type, fields), children };
    }
    case "list": {
      const child = keepElement(vector.child, at, plan);
      return { ...vector, type: withTypes(vector.type, [child.type]), child };
    }
    case "map": {
      const values = keepElement(vector.values, at, plan);
      return { ...vector, type: withTypes(vector.type, [vector.keys.type, values.type]), values };
    }
    case "dictionary":
      return native(materialize(vector), at, plan, extract);
    default:
      return vector;
  }
}

function keep(vector: Vector, at: Place, plan: NestingPlan, extract: Extract): Vector {
  if (!isNested(vector.type)) return vector;
  return plan.at(at.full, at.level) === "json"
    ? castVector(vector, JSON_TYPE)
    : native(vector, at, plan, extract);
}

/** The elements of a list that stays: they have no rows of their own to which those of a child table could belong. */
function keepElement(vector: Vector, { full, level }: Place, plan: NestingPlan): Vector {
  const refuse: Extract = (_, inside) => {
    throw new AlluviumError(
      "ALV_CONFIG",
      `nesting makes ${inside.full.join(".")} a child table, but ${full.join(".")}, the list in which it stands, stays a column: choose "tables" for that as well`,
    );
  };
  const element = { path: [], full, nullable: true };
  return vector.type.kind === "struct"
    ? native(vector, { ...element, level }, plan, refuse)
    : keep(vector, { ...element, level: level + 1 }, plan, refuse);
}

function withTypes(type: ColumnType, types: readonly ColumnType[]): ColumnType {
  const members = type.kind === "list" ? [type.element] : type.kind === "map" ? [type.key, type.value] : [];
  return withMembers(
    type,
    members.map((field, i) => withType(field, types[i]!)),
  );
}
