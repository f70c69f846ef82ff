import { AlluviumError } from "../errors.ts";
import type { ColumnKind } from "../schema/types.ts";
import type { Json } from "../state/json.ts";
import type { CursorCodec } from "../stream.ts";
import { isOrderable, pointOfText, type Point } from "./order.ts";

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
  readonly nulls?: readonly RowHashes[];
  /**
   * More rows share `value` than a boundary can hold and a greater value was seen: everything below this one is complete, so that
   * the next read takes the rest of `value` without keeping count.
   */
  readonly closedBelow?: string;
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
  encode: encodeColumnCursor,
  decode: decodeColumnCursor,
};

function encodeColumnCursor(cursor: ColumnCursor): Json {
  return {
    kind: cursor.kind,
    value: cursor.value,
    boundary: cursor.boundary.map(encodeHashes),
    ...(cursor.nulls === undefined ? {} : { nulls: cursor.nulls.map(encodeHashes) }),
    ...(cursor.closedBelow === undefined ? {} : { closedBelow: cursor.closedBelow }),
  };
}

function decodeColumnCursor(json: Json, version: number): ColumnCursor {
  if (version > 1)
    throw new AlluviumError(
      "ALV_STATE_INVALID",
      `the cursor has version ${version}, this version of Alluvium reads up to 1: update Alluvium, or run the version that wrote it`,
    );
  const { kind, value, boundary, nulls, closedBelow } = (json ?? {}) as { readonly [key: string]: Json };
  if (
    typeof kind !== "string" ||
    typeof value !== "string" ||
    (kind !== "null" &&
      (!isOrderable(kind as ColumnKind) || pointOfText(kind as ColumnKind, value) === undefined)) ||
    !Array.isArray(boundary) ||
    (closedBelow !== undefined && typeof closedBelow !== "string")
  )
    throw damaged(json);
  return {
    kind: kind as ColumnKind,
    value,
    boundary: boundary.map(decodeHashes),
    ...(Array.isArray(nulls) ? { nulls: nulls.map(decodeHashes) } : {}),
    ...(closedBelow === undefined ? {} : { closedBelow }),
  };
}

function encodeHashes({ columns, hashes }: RowHashes): Json {
  return { columns, hashes };
}

function decodeHashes(json: Json): RowHashes {
  const { columns, hashes } = (json ?? {}) as { readonly [key: string]: Json };
  if (!Array.isArray(columns) || !Array.isArray(hashes)) throw damaged(json);
  return { columns: columns.map(String), hashes: hashes.map(String) };
}

function damaged(json: Json): AlluviumError {
  return new AlluviumError(
    "ALV_STATE_INVALID",
    `the stored cursor is damaged: ${JSON.stringify(json).slice(0, 200)}`,
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
  throw damaged(cursor.value);
}

/** The value below which everything is complete, where the cursor names one. */
export function closedPoint(cursor: ColumnCursor): Point | undefined {
  return cursor.closedBelow === undefined ? undefined : pointOfText(cursor.kind, cursor.closedBelow);
}
