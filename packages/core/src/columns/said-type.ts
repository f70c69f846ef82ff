import { sameType } from "../schema/equal.ts";
import type { ColumnType } from "../schema/types.ts";
import { parseScalar } from "./text.ts";

/** Which texts are more than text, because they say so: each kind only where it is switched on. Numbers and booleans in text never are. */
export interface InferOptions {
  /** Texts such as `2024-02-29` are dates. @default false */
  readonly dates?: boolean;
  /**
   * Texts such as `2024-02-29T12:30:00Z` or `…+01:00` are points in time (the offset is not kept), those without a zone wall clock readings. Up
   * to six digits of a second, and `T` or a space before the time. @default false
   */
  readonly timestamps?: boolean;
  /** Texts such as `0198c000-0000-7000-8000-000000000001` are UUIDs (kept in lower case). @default false */
  readonly uuids?: boolean;
}

const DATE = /^\d{4}-\d\d-\d\d$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(Z|[+-]\d\d:?\d\d)?$/;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** The type that a text says it is of, among those that are switched on; `undefined`: it is text. */
export function saidType(text: string, options: InferOptions): ColumnType | undefined {
  // The longest is a timestamp with six digits of a second and an offset.
  if (text.length < 10 || text.length > 36) return undefined;
  const type = likelyType(text, options);
  return type !== undefined && parseScalar(type, text) !== undefined ? type : undefined;
}

/** Whether a text says that it is of `type`. */
export function isSaid(text: string, type: ColumnType, options: InferOptions): boolean {
  const said = saidType(text, options);
  return said !== undefined && sameType(said, type);
}

function likelyType(text: string, { dates, timestamps, uuids }: InferOptions): ColumnType | undefined {
  if (dates === true && DATE.test(text)) return { kind: "date" };
  if (uuids === true && UUID.test(text)) return { kind: "uuid" };
  const match = timestamps === true ? TIMESTAMP.exec(text) : null;
  return match === null ? undefined : { kind: "timestamp", zone: match[1] === undefined ? "local" : "utc" };
}
