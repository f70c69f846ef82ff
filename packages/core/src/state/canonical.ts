import { createHash } from "node:crypto";
import type { Json } from "./json.ts";

/** JSON text with sorted keys and no spaces: equal values give equal bytes, so that they can be compared and hashed. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const object = value as { readonly [key: string]: Json };
  const members = Object.keys(object)
    .filter((key) => object[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key]!)}`);
  return `{${members.join(",")}}`;
}

/** SHA-256 of {@link canonicalJson}, as 64 hexadecimal digits. */
export function contentHash(value: Json): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}
