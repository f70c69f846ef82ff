import type { ColumnType, Json } from "@alluvium/core";
import { decodeLayout, encodeLayout, type Layout } from "./layout.ts";
import { codeOf, typeOf } from "./type-code.ts";

/** Where reading a file can go on, with all that was found out before. */
export interface CsvPosition {
  /** Bytes of the text as UTF-8 before it. */
  readonly offset: number;
  /** The line that begins there. */
  readonly line: number;
  readonly layout: Layout;
  /** The types of the columns, `null` where none is known yet. */
  readonly types: readonly ColumnType[];
}

/** A position as JSON; types are short, since a file may have thousands of columns. */
export function encodePosition({ offset, line, layout, types }: CsvPosition): Json {
  return { offset, line, ...(encodeLayout(layout) as object), types: types.map(codeOf).join(" ") };
}

/** The position of JSON. */
export function decodePosition(json: Json): CsvPosition {
  const position = json as { readonly [name: string]: Json };
  const types = position["types"] as string;
  return {
    offset: position["offset"] as number,
    line: position["line"] as number,
    layout: decodeLayout(position),
    types: types === "" ? [] : types.split(" ").map(typeOf),
  };
}
