import { isListLike, isStruct } from "./data-shape.ts";
import { isRawJson } from "./raw-json.ts";
import { formatScalar } from "./text.ts";

/** Deeper values are taken for one that holds itself. */
const MAX_DEPTH = 100;
const INSTANT = { kind: "timestamp", zone: "utc" } as const;

/**
 * A value of user code as JSON text with nothing lost: bigints as numbers with all digits, NaN and the infinities as strings, dates, bytes and the
 * like as their canonical text, sets and typed arrays as arrays, Maps as objects; the same texts that `jsonReader` gives of columns. `undefined`
 * where a value is no data: a function, a symbol, an invalid date, an object that holds itself. Members that are `undefined` are left out.
 */
export function jsonTextOf(value: unknown): string | undefined {
  return textOf(value, 0, false);
}

/**
 * A value as the JSON text that `JSON.stringify` gives, and also of what that refuses or loses: bigints, NaN and the infinities, bytes, sets, typed
 * arrays and Maps are as by {@link jsonTextOf}. What has a `toJSON` is what that gives, dates included. `undefined` where there is no text.
 */
export function writtenJson(value: unknown): string | undefined {
  if (isLossy(value, 0)) return textOf(value, 0, true);
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** Whether `JSON.stringify` would refuse or lose a part of a value. One that holds itself is its own affair. */
function isLossy(value: unknown, depth: number): boolean {
  if (typeof value === "bigint") return true;
  if (typeof value === "number") return !Number.isFinite(value);
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.some((element) => isLossy(element, depth + 1));
  if (value instanceof Map || value instanceof ArrayBuffer || value instanceof Uint8Array) return true;
  if (isListLike(value)) return true;
  for (const key in value) if (isLossy((value as Record<string, unknown>)[key], depth + 1)) return true;
  return false;
}

function textOf(value: unknown, depth: number, written: boolean): string | undefined {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value)
        ? formatScalar({ kind: "float64" }, value)
        : JSON.stringify(String(value));
    case "bigint":
    case "boolean":
      return String(value);
    case "undefined":
      return "null";
    case "object":
      return value === null ? "null" : depth > MAX_DEPTH ? undefined : objectText(value, depth + 1, written);
    default:
      return undefined;
  }
}

function objectText(value: object, depth: number, written: boolean): string | undefined {
  if (isRawJson(value)) return value.rawJSON;
  const { toJSON } = value as { readonly toJSON?: unknown };
  if (written && typeof toJSON === "function" && !(value instanceof Uint8Array))
    return textOf(toJSON.call(value), depth, written);
  if (value instanceof Date) {
    const time = value.getTime();
    return Number.isNaN(time) ? undefined : JSON.stringify(formatScalar(INSTANT, BigInt(time) * 1000n));
  }
  if (value instanceof Uint8Array) return JSON.stringify(formatScalar({ kind: "binary" }, value));
  if (value instanceof ArrayBuffer) return objectText(new Uint8Array(value), depth, written);
  if (Array.isArray(value) || isListLike(value)) {
    const parts: string[] = [];
    for (const element of value) {
      const text = textOf(element, depth, written);
      if (text === undefined) return undefined;
      parts.push(text);
    }
    return `[${parts.join(",")}]`;
  }
  const members = value instanceof Map ? value : isStruct(value) ? Object.entries(value) : undefined;
  if (members === undefined) return undefined;
  const parts: string[] = [];
  for (const [key, member] of members) {
    if (member === undefined) continue;
    const name = textOf(key, depth, written);
    const text = textOf(member, depth, written);
    if (name === undefined || text === undefined) return undefined;
    parts.push(`${name.startsWith('"') ? name : JSON.stringify(name)}:${text}`);
  }
  return `{${parts.join(",")}}`;
}
