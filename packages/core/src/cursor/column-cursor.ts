import { AlluviumError } from "../errors.ts";
import type { ColumnKind } from "../schema/types.ts";
import type { Json } from "../state/json.ts";
import type { CursorCodec } from "../stream.ts";
import { pointOfText, type Point } from "./order.ts";

/**
 * How far a column has been read. Every row below `value` has been taken; of the rows at `value` itself, those in `boundary`.
 * Reading goes on from `value`, inclusive.
 */
export interface ColumnCursor {
  /** Kind of the column's values. `null`: only rows without a value have been taken, so that there is no lower bound yet. */
  readonly kind: ColumnKind;
  /** Canonical text of the greatest value, in full precision: what SQL compares with, text by its bytes. */
  readonly value: string;
  /** The rows at `value` that an append has taken. Empty: none of them, or the table merges and takes them again. */
  readonly boundary: readonly RowHashes[];
  /** The rows without a value that an append with `nulls: "include"` has taken. */
  readonly nulls?: readonly RowHashes[] | undefined;
  /**
   * More rows share `value` than a boundary can hold and a greater value was seen: everything below this one is complete, so that
   * the next read takes the rest of `value` without keeping count.
   */
  readonly closedBelow?: string | undefined;
}

/** A multiset of rows by hash. */
export interface RowHashes {
  /** The columns that were hashed: rows are compared over these even when the table has got more since. */
  readonly columns: readonly string[];
  /** One hash a row, equal rows several times; ascending. */
  readonly hashes: readonly string[];
}

/** Most rows at one value that a boundary holds; of a value with more, only a closed one is read to its end. */
export const boundaryLimit = 100_000;

/** Stores {@link ColumnCursor}s. */
export const columnCursorCodec: CursorCodec<ColumnCursor> = {
  version: 1,
  encode: (cursor) => definedMembers(cursor),
  decode: (json, version) => {
    const { kind, value, boundary, nulls, closedBelow } = members(json);
    const isRead =
      version === 1 &&
      typeof value === "string" &&
      (kind === "null" || pointOfText(kind as ColumnKind, value) !== undefined) &&
      (closedBelow === undefined || typeof closedBelow === "string");
    if (!isRead) throw unreadable(json, version);
    const hashesOf = (stored: Json | undefined): readonly RowHashes[] => {
      if (!Array.isArray(stored)) throw unreadable(json, version);
      return stored.map((one: Json) => {
        const { columns, hashes } = members(one);
        if (!Array.isArray(columns) || !Array.isArray(hashes)) throw unreadable(json, version);
        return { columns: columns.map(String), hashes: hashes.map(String) };
      });
    };
    return {
      kind: kind as ColumnKind,
      value,
      boundary: hashesOf(boundary),
      // Left out where there is none: what is encoded again must be JSON.
      ...(nulls !== undefined && { nulls: hashesOf(nulls) }),
      ...(typeof closedBelow === "string" && { closedBelow }),
    };
  },
};

/** An object of JSON without the members that are `undefined`. */
export function definedMembers(object: object): Json {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** The members of a stored object; none of what is no object. */
export function members(json: Json | undefined): { readonly [key: string]: Json | undefined } {
  return typeof json === "object" && json !== null && !Array.isArray(json)
    ? (json as { readonly [key: string]: Json })
    : {};
}

/** The error of a stored cursor that cannot be read. */
export function unreadable(json: Json, version: number): AlluviumError {
  return new AlluviumError(
    "ALV_STATE_INVALID",
    `the stored cursor of version ${version} cannot be read: it is damaged, or a newer version of Alluvium wrote it: ${JSON.stringify(json).slice(0, 200)}`,
  );
}

/** A cursor before `value`: everything below has been taken, of the value itself nothing. */
export function cursorBefore(point: Pick<Point, "kind" | "text">): ColumnCursor {
  return { kind: point.kind, value: point.text, boundary: [] };
}

/** Where a cursor stands, to compare with. `undefined`: before every value. */
export function pointOfCursor(cursor: ColumnCursor): Point | undefined {
  if (cursor.kind === "null") return undefined;
  const point = pointOfText(cursor.kind, cursor.value);
  if (point !== undefined) return point;
  throw unreadable(cursor.value, 1);
}

/** The value below which everything is complete, where the cursor names one. */
export function closedPoint(cursor: ColumnCursor): Point | undefined {
  return cursor.closedBelow === undefined ? undefined : pointOfText(cursor.kind, cursor.closedBelow);
}
