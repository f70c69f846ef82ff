import { AlluviumError, type ColumnType, type Duration } from "@alluvium/core";
import type { ColumnCursor } from "@alluvium/core/cursor";
import { columnRef, type ColumnPlan } from "./columns.ts";
import { literal } from "./sql.ts";

/** A cursor column as this source follows it. */
export interface CursorPlan {
  readonly name: string;
  readonly initial?: Date | string | number | bigint;
  readonly lag?: Duration | number | bigint;
  readonly order?: "ascending";
  readonly nulls?: "include" | "exclude" | "error";
  readonly timeZone?: string;
  readonly type: ColumnType;
  /** The column as SQL, with the order in which it is followed: text by its bytes. */
  readonly expression: string;
  /** Its type as SQL, for constants. */
  readonly sqlType: string;
  readonly nullable: boolean;
  /** Whether its values are times, which transactions write from their start. */
  readonly isTime: boolean;
  /** Values that a sequence behind it hands to a session at once. */
  readonly sequenceCache: number | undefined;
}

/** Built-in types that can be followed, by object id, as SQL. Others have no order, or one that differs from that of their text. */
const sqlTypes: ReadonlyMap<number, string> = new Map([
  [20, "int8"],
  [21, "int2"],
  [23, "int4"],
  [26, "oid"],
  [25, "text"],
  [1043, "text"],
  [1082, "date"],
  [1114, "timestamp"],
  [1184, "timestamptz"],
  [1700, "numeric"],
  [2950, "uuid"],
]);

type CursorOption = Pick<CursorPlan, "initial" | "lag" | "order" | "nulls" | "timeZone"> & {
  readonly column: string;
};

/** Plans how a column is followed. `baseType`: its type, under domains. */
export function planCursor(
  resource: string,
  options: CursorOption | string,
  column: ColumnPlan,
  baseType: number,
  sequenceCache: number | undefined,
): CursorPlan {
  const { column: name, ...rest }: CursorOption = typeof options === "string" ? { column: options } : options;
  const sqlType = sqlTypes.get(baseType);
  const { type } = column.field;
  const isText = type.kind === "string";
  if (sqlType === undefined || (isText && sqlType !== "text"))
    throw new AlluviumError(
      "ALV_CONFIG",
      sqlType === "numeric"
        ? `${resource}, cursor "${name}": a numeric that is read as text has the order of text; give numeric: { precision, scale }, or special other than "text"`
        : sqlType !== undefined
          ? `${resource}, cursor "${name}": special: "text" makes a text of it, which has another order; choose another policy for this table`
          : `${resource}, cursor "${name}": its type has no order that can be followed; a cursor needs an integer, a numeric, a date, a timestamp, a uuid, text or varchar`,
      { resource, step: "open" },
    );
  const expression = isText ? `${columnRef(name)} collate "C"` : columnRef(name);
  return {
    ...rest,
    name,
    type,
    sqlType,
    expression,
    nullable: column.field.nullable,
    isTime: type.kind === "timestamp" || type.kind === "date",
    sequenceCache,
  };
}

/** A value from options as a constant of the cursor's type. */
export function valueLiteral(cursor: CursorPlan, value: Date | string | number | bigint): string {
  let text = String(value);
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw badValue(cursor, "an invalid Date");
    text = canonicalTime(value.toISOString());
    // A wall clock reading and a day know no zone: the Date counts as UTC.
    if (cursor.sqlType === "timestamp") text = text.replace(/Z$/, "");
    if (cursor.sqlType === "date") text = text.replace(/T[^ ]*/, "");
  } else if (cursor.type.kind === "timestamp" || cursor.type.kind === "date") text = canonicalTime(text);
  return constant(cursor, text);
}

/**
 * The statement for the greatest value under conditions, as text; no row where there is none. Not `max`: older servers
 * have none for uuid, and an index serves both.
 */
export function greatestSql(cursor: CursorPlan, from: string, conditions: readonly string[]): string {
  const { expression } = cursor;
  const where = [...conditions, `${expression} is not null`].join(" and ");
  return `select (${expression})::text as value from ${from} where ${where} order by ${expression} desc limit 1`;
}

/** Where a stored cursor stands, as a constant of the cursor's type. `undefined`: before every value. */
export function cursorLiteral(cursor: CursorPlan, stored: ColumnCursor): string | undefined {
  if (stored.kind === "null") return undefined;
  return constant(cursor, cursor.isTime ? canonicalTime(stored.value) : stored.value);
}

function constant(cursor: CursorPlan, text: string): string {
  return `${literal(text)}::${cursor.sqlType}`;
}

/** ISO dates with years beyond four digits (`+012024-…`, `-000043-…`; year 0 is 1 BC) as the server spells them. */
function canonicalTime(text: string): string {
  const match = /^([+-]\d{4,6}|0000)(-\d\d-\d\d.*)$/s.exec(text);
  if (match === null) return text;
  const year = Number(match[1]);
  const spelled = String(year > 0 ? year : 1 - year).padStart(4, "0");
  return `${spelled}${match[2]}${year > 0 ? "" : " BC"}`;
}

function badValue(cursor: CursorPlan, what: string): AlluviumError {
  return new AlluviumError("ALV_CONFIG", `cursor "${cursor.name}": ${what} is no value to begin from`, {
    step: "read",
  });
}

/** `value - lag` in SQL. */
export function lessLag(
  resource: string,
  cursor: CursorPlan,
  value: string,
  lag: Duration | number | bigint,
): string {
  if (typeof lag === "object") {
    if (!cursor.isTime) throw lagMismatch(resource, cursor, "a number in the column's unit");
    const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = lag;
    const micros = Math.round(
      1000 * (milliseconds + 1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days)))),
    );
    // A day is 24 hours here, so the zone of the session has no say. A date steps back by whole days, rounded up.
    if (cursor.sqlType === "date") return `(${value} - ${Math.ceil(micros / 86_400_000_000)})`;
    return `(${value} - interval '${micros} microseconds')`;
  }
  if (cursor.isTime || cursor.type.kind === "string" || cursor.type.kind === "uuid")
    throw lagMismatch(
      resource,
      cursor,
      cursor.isTime ? "a time span such as { minutes: 5 }" : "a cursor that is a number or a time",
    );
  return `(${value}::numeric - ${lag})`;
}

function lagMismatch(resource: string, cursor: CursorPlan, wanted: string): AlluviumError {
  return new AlluviumError(
    "ALV_CONFIG",
    `${resource}, cursor "${cursor.name}" (${cursor.sqlType}): its lag needs ${wanted}`,
    { resource, step: "open" },
  );
}

/** Whether a lag is set and greater than nothing. */
export function hasLag(lag: Duration | number | bigint | undefined): boolean {
  if (lag === undefined) return false;
  return typeof lag === "object"
    ? Object.values(lag as Readonly<Record<string, number>>).some((part) => part !== 0)
    : Number(lag) !== 0;
}
