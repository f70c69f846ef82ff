import { castVector } from "./cast.ts";
import { bitAt } from "./bitmap.ts";
import { onlyRows } from "./marked-rows.ts";
import { isValid, type Vector } from "./vector.ts";
import { boundType } from "../schema/bound.ts";
import { isNested } from "../schema/members.ts";
import type { ColumnType } from "../schema/types.ts";

/** A nested value, and apart from it those values that its type does not hold yet. */
interface Known {
  readonly known: Vector;
  /** As JSON; of unknown type where there are none. */
  readonly unknown: Vector;
}

/**
 * What columns cannot be made for yet: an empty list, or one of nulls alone, whose elements have no type so far, or an object without members. A
 * value in which one stands is taken out and kept as JSON.
 */
export function withoutUnknown(vector: Vector): Known {
  const { length } = vector;
  const rows = isKnown(vector.type) ? undefined : unknownRows(vector);
  if (rows === undefined)
    return {
      known: vector,
      unknown: { layout: "null", type: { kind: "null" }, length, nullCount: length, validity: undefined },
    };
  return {
    known: onlyRows(
      vector,
      rows.map((byte) => ~byte),
    ),
    unknown: castVector(onlyRows(vector, rows), { kind: "json" }),
  };
}

/** Whether columns can hold all of a type. */
function isKnown(type: ColumnType): boolean {
  return boundType(type) === type;
}

/** The rows in which a value stands whose type is not known; `undefined`: none. */
function unknownRows(vector: Vector): Uint8Array | undefined {
  const { type, length } = vector;
  if (!isNested(type) || isKnown(type)) return undefined;
  if (boundType(type) === undefined) return rowsWhere(length, (row) => isValid(vector, row));
  switch (vector.layout) {
    case "struct": {
      const found = vector.children.map(unknownRows).filter((rows) => rows !== undefined);
      return rowsWhere(length, (row) => isValid(vector, row) && found.some((rows) => bitAt(rows, row)));
    }
    case "list":
    case "map": {
      const { offsets } = vector;
      const inside = unknownRows(vector.layout === "list" ? vector.child : vector.values);
      return (
        inside &&
        rowsWhere(length, (row) => {
          if (!isValid(vector, row)) return false;
          for (let at = offsets[row]!; at < offsets[row + 1]!; at++) if (bitAt(inside, at)) return true;
          return false;
        })
      );
    }
    default:
      return undefined;
  }
}

function rowsWhere(length: number, holds: (row: number) => boolean): Uint8Array | undefined {
  let rows: Uint8Array | undefined;
  for (let row = 0; row < length; row++)
    if (holds(row)) (rows ??= new Uint8Array((length + 7) >> 3))[row >> 3]! |= 1 << (row & 7);
  return rows;
}
