import { parseJson } from "../columns/parse-exact.ts";
import { isRawJson } from "../columns/raw-json.ts";
import type { Json } from "../state/json.ts";
import { memberPointer } from "./refused-json.ts";

/**
 * The value of which `refusedJson` gave this text and these types: dates, bigints, bytes, Maps, Sets and what JSON has no number for are what they were.
 * Typed arrays are lists; functions and symbols stay their text, and what held itself is null there.
 */
export function restoredJson(text: string, types: Json | undefined): unknown {
  const value = parseJson(text);
  const kinds = types as Readonly<Record<string, string>> | undefined | null;
  return kinds === undefined || kinds === null ? value : restored(value, "", kinds);
}

function restored(value: unknown, pointer: string, kinds: Readonly<Record<string, string>>): unknown {
  switch (kinds[pointer]) {
    case "date":
      return new Date(value as string);
    case "bigint":
      return BigInt(value as number);
    case "number":
      return Number(value);
    case "undefined":
      return undefined;
    case "bytes":
      return new Uint8Array(Buffer.from(value as string, "hex"));
    default:
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item, i) => restored(item, `${pointer}/${i}`, kinds));
    if (kinds[pointer] === "map") return new Map(items as [unknown, unknown][]);
    return kinds[pointer] === "set" ? new Set(items) : items;
  }
  if (isRawJson(value)) return value;
  for (const [name, item] of Object.entries(value)) {
    Object.defineProperty(value, name, {
      value: restored(item, memberPointer(pointer, name), kinds),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return value;
}
