import { isRawJson, rawJson } from "../columns/raw-json.ts";
import type { Json } from "../state/json.ts";

/** What user code gave, as JSON text, and what JSON does not tell of it, by JSON Pointer; see {@link RefusedRow}. */
export function refusedJson(value: unknown): { readonly text: string; readonly types: Json | undefined } {
  const types: Record<string, string> = {};
  const open = new Set<unknown>();

  function plain(given: unknown, pointer: string): unknown {
    switch (typeof given) {
      case "bigint":
        types[pointer] = "bigint";
        return rawJson(given.toString());
      case "number":
        if (Number.isFinite(given)) return Object.is(given, -0) ? rawJson("-0") : given;
        types[pointer] = "number";
        return String(given);
      case "undefined":
        types[pointer] = "undefined";
        return null;
      case "function":
      case "symbol":
        types[pointer] = typeof given;
        return String(given);
      case "object":
        return given === null ? null : nested(given, pointer);
      default:
        return given;
    }
  }

  function nested(given: object, pointer: string): unknown {
    if (isRawJson(given)) return given;
    if (given instanceof Date) {
      types[pointer] = "date";
      return Number.isNaN(given.getTime()) ? "Invalid Date" : given.toISOString();
    }
    if (given instanceof Uint8Array || given instanceof ArrayBuffer) {
      types[pointer] = "bytes";
      return Buffer.from(given as Uint8Array).toString("hex");
    }
    // A row that holds itself is refused for that; its text has to end.
    if (open.has(given)) {
      types[pointer] = "cycle";
      return null;
    }
    open.add(given);
    try {
      if (given instanceof Map) {
        types[pointer] = "map";
        return Array.from(given, ([key, value], i) => [
          plain(key, `${pointer}/${i}/0`),
          plain(value, `${pointer}/${i}/1`),
        ]);
      }
      if (given instanceof Set || (ArrayBuffer.isView(given) && !(given instanceof DataView))) {
        types[pointer] = given instanceof Set ? "set" : given.constructor.name;
        return Array.from(given as Iterable<unknown>, (item, i) => plain(item, `${pointer}/${i}`));
      }
      if (Array.isArray(given)) return given.map((item, i) => plain(item, `${pointer}/${i}`));
      const copy: Record<string, unknown> = {};
      for (const [name, item] of Object.entries(given))
        Object.defineProperty(copy, name, {
          value: plain(item, memberPointer(pointer, name)),
          enumerable: true,
        });
      return copy;
    } finally {
      open.delete(given);
    }
  }

  const text = JSON.stringify(plain(value, ""));
  return { text, types: Object.keys(types).length > 0 ? types : undefined };
}

/**
 * The JSON Pointer of a member.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc6901
 */
export function memberPointer(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** JSON text as a value that is JSON again: integers beyond 2^53 are text. */
export function plainJson(text: string): Json {
  return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && Number.isInteger(value)
      ? (context?.source ?? value)
      : value,
  ) as Json;
}
