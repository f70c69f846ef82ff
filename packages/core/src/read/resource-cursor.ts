import { columnCursorCodec, type ColumnCursor } from "../cursor/column-cursor.ts";
import { AlluviumError } from "../errors.ts";
import { parseScalar } from "../columns/text.ts";
import type { Ordered } from "../resource-options.ts";
import type { ColumnKind } from "../schema/types.ts";
import type { Json } from "../state/json.ts";
import type { CursorCodec } from "../stream.ts";

/** How far the read of a resource has come. */
export interface ResourceCursor {
  /** Everything before it is loaded; where reads begin. */
  readonly since?: ColumnCursor;
  /** What the read in progress has come to, when it was cut at a checkpoint: it becomes `since` at the end. */
  readonly reached?: ColumnCursor;
  /** Where the read in progress goes on; without a cursor column, where the next one does. */
  readonly position?: Json;
  /** What the cursor column's values are in user code. */
  readonly form?: ValueForm;
}

/** The JavaScript types that cursor values have. */
export type ValueForm = "date" | "number" | "bigint" | "string";

/** Stores {@link ResourceCursor}s. */
export const resourceCursorCodec: CursorCodec<ResourceCursor> = {
  version: 1,
  encode: ({ since, reached, position, form }) => ({
    ...(since === undefined ? {} : { since: columnCursorCodec.encode(since) }),
    ...(reached === undefined ? {} : { reached: columnCursorCodec.encode(reached) }),
    ...(position === undefined ? {} : { position }),
    ...(form === undefined ? {} : { form }),
  }),
  decode: (json, version) => {
    if (version !== 1 || typeof json !== "object" || json === null)
      throw new AlluviumError(
        "ALV_STATE_INVALID",
        `the stored cursor ${JSON.stringify(json).slice(0, 200)} of version ${version} cannot be read: it is damaged, or a newer version of Alluvium wrote it`,
      );
    const { since, reached, position, form } = json as { readonly [key: string]: Json };
    return {
      ...(since === undefined ? {} : { since: columnCursorCodec.decode(since, version) }),
      ...(reached === undefined ? {} : { reached: columnCursorCodec.decode(reached, version) }),
      ...(position === undefined ? {} : { position }),
      ...(typeof form === "string" ? { form: form as ValueForm } : {}),
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
  if (kind === "null") return undefined;
  if (kind === "timestamp") {
    if (form === "string") return value;
    const micros = parseScalar({ kind, zone: value.endsWith("Z") ? "utc" : "local" }, value) as bigint;
    if (form === "bigint") return micros;
    return new Date(Number((micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n));
  }
  if (kind === "date") return form === "date" ? new Date(`${value}T00:00:00Z`) : value;
  if (kind === "int64" && form !== "number") return form === "string" ? value : BigInt(value);
  if (kind === "decimal" && form !== "number")
    return form === "bigint" ? BigInt(value.split(".")[0]!) : value;
  if (!numbers.has(kind) || form === "string") return value;
  return form === "bigint" ? BigInt(Math.floor(Number(value))) : Number(value);
}

const numbers: ReadonlySet<ColumnKind> = new Set([
  "int8",
  "int16",
  "int32",
  "int64",
  "float32",
  "float64",
  "decimal",
]);
