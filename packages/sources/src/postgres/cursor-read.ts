import { AlluviumError } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { boundaryLimit, cursorBefore, openBoundary, type ColumnCursor } from "@alluvium/core/cursor";
import type { PgConnection } from "./connection.ts";
import { cursorLiteral, greatestSql, hasLag, lessLag, valueLiteral, type CursorPlan } from "./cursor.ts";
import type { DescribedTable } from "./described.ts";
import { literal } from "./sql.ts";
import type { Snapshot } from "./snapshot.ts";

/** How much a read of a cursor table takes, decided under its snapshot. */
export interface CursorRange {
  /** Conditions in SQL for the rows with a value; `undefined`: there are none to read. */
  readonly conditions: readonly string[] | undefined;
  /** Whether rows without a value are read too. */
  readonly nulls: boolean;
  /**
   * More rows share the greatest value than a boundary holds: only smaller ones are read, all of them, and the cursor stands before this value.
   * As SQL, to find it.
   */
  readonly closedAt: string | undefined;
}

/** Where transactions in flight cannot be seen, a time cursor stays so far behind the clock. */
const unseenLag = { minutes: 10 };

type Call = { readonly signal: AbortSignal; readonly resource: string };

/** Decides what to read: from where the cursor stands, up to where no row can appear any more. */
export async function findRange(
  connection: PgConnection,
  table: DescribedTable,
  cursor: CursorPlan,
  snapshot: Snapshot,
  since: ColumnCursor | undefined,
  serverZone: string,
  call: Call,
): Promise<CursorRange> {
  const merge = table.description.disposition.kind === "merge";
  const { expression, nulls: nullPolicy = "error" } = cursor;
  const own = table.where === undefined ? [] : [table.where];
  const greatest = async (conditions: readonly string[]): Promise<string | null> => {
    const sql = greatestSql(cursor, table.from, [...own, ...conditions]);
    return (await connection.query<{ value: string }>(sql, { ...call, step: "read" }))[0]?.value ?? null;
  };
  const exists = async (condition: string): Promise<boolean> => {
    const where = [...own, condition].join(" and ");
    const sql = `select (exists (select from ${table.from} where ${where}))::text as value`;
    return (await connection.query<{ value: string }>(sql, { ...call, step: "read" }))[0]!.value === "true";
  };

  if (cursor.nullable && nullPolicy === "error" && (await exists(`${expression} is null`)))
    throw nullRows(table, cursor);
  if (cursor.isTime && (await exists(`${expression} = 'infinity'::${cursor.sqlType}`)))
    throw infiniteRows(table, cursor);
  const nulls = cursor.nullable && nullPolicy === "include";

  const above: string[] = [];
  let from = since === undefined ? undefined : cursorLiteral(cursor, since);
  if (from !== undefined && merge && cursor.lag !== undefined && hasLag(cursor.lag))
    from = lessLag(table.name, cursor, from, cursor.lag);
  if (from === undefined && cursor.initial !== undefined) from = valueLiteral(cursor, cursor.initial);
  if (from !== undefined) above.push(`${expression} >= ${from}`);

  const below = upperBounds(table, cursor, snapshot, serverZone);
  if (below === undefined) return { conditions: undefined, nulls, closedAt: undefined };
  if (!merge && cursor.lag !== undefined && hasLag(cursor.lag)) {
    const maximum = await greatest(below);
    if (maximum === null) return { conditions: undefined, nulls, closedAt: undefined };
    const bound = lessLag(table.name, cursor, `${literal(maximum)}::${cursor.sqlType}`, cursor.lag);
    below.push(`${expression} < ${bound}`);
  }
  // The greatest value is found first, so that all connections agree on it, and its rows can be counted.
  const top = await greatest([...above, ...below]);
  if (top === null) return { conditions: undefined, nulls, closedAt: undefined };
  const value = `${literal(top)}::${cursor.sqlType}`;
  if (!merge) {
    const count = await connection.query<{ value: string }>(
      `select count(*)::text as value from (select from ${table.from} where ${[...own, `${expression} = ${value}`].join(" and ")} limit ${boundaryLimit + 1}) c`,
      { ...call, step: "read" },
    );
    if (Number(count[0]!.value) > boundaryLimit)
      return { conditions: [...above, `${expression} < ${value}`], nulls, closedAt: value };
  }
  return { conditions: [...above, `${expression} <= ${value}`], nulls, closedAt: undefined };
}

/** Conditions that keep the read behind what may still appear. `undefined`: there is nothing that may be read. */
function upperBounds(
  table: DescribedTable,
  cursor: CursorPlan,
  snapshot: Snapshot,
  serverZone: string,
): string[] | undefined {
  const settled = snapshot.settled.get(table.name);
  if (settled !== undefined) {
    if ("error" in settled) throw settled.error;
    if (settled.maximum === null) return undefined;
    return [`${cursor.expression} <= ${literal(settled.maximum)}::${cursor.sqlType}`];
  }
  if (!cursor.isTime) return [];
  const { text, unknown } = snapshot.horizon;
  let instant = `${literal(`${text}+00`)}::timestamptz`;
  if (unknown !== undefined && cursor.lag === undefined)
    instant = lessLag(table.name, { ...cursor, sqlType: "timestamptz" }, instant, unseenLag);
  const zone = cursor.timeZone ?? serverZone;
  const bound =
    cursor.sqlType === "timestamptz"
      ? instant
      : `(${instant} at time zone ${literal(zone)})::${cursor.sqlType}`;
  return [`${cursor.expression} <= ${bound}`];
}

/** Conditions of a backfill's window. */
export function windowConditions(
  cursor: CursorPlan,
  window: { readonly since?: unknown; readonly until?: unknown },
): readonly string[] {
  const value = (given: unknown): string => valueLiteral(cursor, given as Date | string | number | bigint);
  return [
    ...(window.since === undefined ? [] : [`${cursor.expression} >= ${value(window.since)}`]),
    ...(window.until === undefined ? [] : [`${cursor.expression} < ${value(window.until)}`]),
  ];
}

/** Follows the rows of one read and says what to store. */
export interface CursorTracker {
  /** The rows of a batch to hand on. */
  take(batch: Batch): Batch;
  /** The same for the rows without a value. */
  takeNulls(batch: Batch): Batch;
  /** Where reading can go on from, midway or at the end. */
  cursor(end: boolean): ColumnCursor | undefined;
}

/** `closed`: the canonical value before which the cursor stands at the end, where too many rows share it. */
export function trackCursor(
  table: DescribedTable,
  cursor: CursorPlan,
  since: ColumnCursor | undefined,
  closed: { readonly kind: ColumnCursor["kind"]; readonly text: string } | undefined,
): CursorTracker {
  const merge = table.description.disposition.kind === "merge";
  const from = since?.kind === "null" ? undefined : since;
  const boundary = openBoundary({
    column: cursor.name,
    since: closed !== undefined && from !== undefined ? { ...from, closedBelow: closed.text } : since,
    mode: merge ? "merge" : "append",
    order: cursor.order,
    nulls: cursor.nulls,
    key: table.description.primaryKey,
    resource: table.name,
  });
  if (closed === undefined || from !== undefined)
    return {
      take: (batch) => boundary.take(batch),
      takeNulls: (batch) => boundary.take(batch),
      cursor: (end) => boundary.cursor({ end }),
    };
  // Nothing was read before, and every value below the closed one is complete: there is nothing to leave out and nothing to count.
  return {
    take: (batch) => batch,
    takeNulls: (batch) => boundary.take(batch),
    cursor(end) {
      if (!end) return undefined;
      const nulls = boundary.cursor({ end })?.nulls;
      return { ...cursorBefore(closed), ...(nulls === undefined ? {} : { nulls }) };
    },
  };
}

/** The canonical form of a value of the cursor, as the boundary writes it. `batch` has one row, with the cursor's column. */
export function canonicalValue(
  cursor: CursorPlan,
  batch: Batch,
): { readonly kind: ColumnCursor["kind"]; readonly text: string } {
  const boundary = openBoundary({ column: cursor.name, mode: "merge" });
  boundary.take(batch);
  const { kind, value } = boundary.cursor({ end: true })!;
  return { kind, text: value };
}

function nullRows(table: DescribedTable, cursor: CursorPlan): AlluviumError {
  return new AlluviumError(
    "ALV_ROW_INVALID",
    `${table.name}, cursor "${cursor.name}": there are rows without a value, which a cursor never meets. Remedy: nulls: "include" among the cursor's options loads them once each, "exclude" leaves them out`,
    { resource: table.name, step: "read" },
  );
}

function infiniteRows(table: DescribedTable, cursor: CursorPlan): AlluviumError {
  return new AlluviumError(
    "ALV_VALUE_UNREPRESENTABLE",
    `${table.name}, cursor "${cursor.name}": there are rows with the value infinity, which a cursor never reaches. Remedy: leave them out by where, or follow another column`,
    { resource: table.name, step: "read" },
  );
}
