import {
  columnCursorCodec,
  definedMembers,
  members,
  unreadable,
  type ColumnCursor,
} from "../cursor/column-cursor.ts";
import { parseScalar } from "../columns/text.ts";
import { typeOfText } from "../cursor/order.ts";
import type { Ordered } from "../resource-options.ts";
import type { Json } from "../state/json.ts";
import type { CursorCodec } from "../stream.ts";

/** How far the read of a resource has come. */
export interface ResourceCursor {
  /** Everything before it is loaded; where reads begin. */
  readonly since?: ColumnCursor | undefined;
  /** What the read in progress has come to, when it was cut at a checkpoint: it becomes `since` at the end. */
  readonly reached?: ColumnCursor | undefined;
  /** Where the read in progress goes on; without a cursor column, where the next one does. */
  readonly position?: Json | undefined;
  /** What the cursor column's values are in user code. */
  readonly form?: ValueForm | undefined;
}

/** The JavaScript types that cursor values have. */
export type ValueForm = "date" | "number" | "bigint" | "string";

/** Stores {@link ResourceCursor}s. */
export const resourceCursorCodec: CursorCodec<ResourceCursor> = {
  version: 1,
  encode: ({ since, reached, ...others }) =>
    definedMembers({
      since: since && columnCursorCodec.encode(since),
      reached: reached && columnCursorCodec.encode(reached),
      ...others,
    }),
  decode: (json, version) => {
    if (version !== 1 || typeof json !== "object" || json === null) throw unreadable(json, version);
    const { since, reached, position, form } = members(json);
    return {
      since: since === undefined ? undefined : columnCursorCodec.decode(since, version),
      reached: reached === undefined ? undefined : columnCursorCodec.decode(reached, version),
      position,
      form: typeof form === "string" ? (form as ValueForm) : undefined,
    };
  },
};

/** The form of a value of user code; `undefined` for null and what has no order. */
export function formOf(value: unknown): ValueForm | undefined {
  if (value instanceof Date) return "date";
  const type = typeof value;
  return type === "number" || type === "bigint" || type === "string" ? type : undefined;
}

/**
 * A cursor's value in user form: rounded down where the form holds less than the column (a `Date` of microseconds), so that reading
 * from it misses nothing.
 */
export function userValue(cursor: ColumnCursor, form: ValueForm | undefined): Ordered | undefined {
  const { kind, value } = cursor;
  switch (kind) {
    case "null":
      return undefined;
    case "timestamp": {
      if (form === "string") return value;
      const micros = parseScalar(typeOfText(kind, value), value) as bigint;
      return form === "bigint" ? micros : new Date(Number(micros / 1000n) - (micros % 1000n < 0n ? 1 : 0));
    }
    case "date":
      return form === "date" ? new Date(`${value}T00:00:00Z`) : value;
    case "time":
    case "string":
    case "uuid":
      return value;
    default: {
      // What user code has not shown yet is given exactly.
      const exact = kind === "int64" ? "bigint" : kind === "decimal" ? "string" : "number";
      const wanted = form === undefined || form === "date" ? exact : form;
      if (wanted === "string") return value;
      if (wanted === "number") return Number(value);
      return kind.startsWith("float") ? BigInt(Math.floor(Number(value))) : BigInt(value.split(".")[0]!);
    }
  }
}
