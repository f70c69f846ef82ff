import type { ColumnType, Json } from "@alluvium/core";
import { decodeLayout, encodeLayout, type Layout } from "./layout.ts";

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

const SHORT: { readonly [code: string]: ColumnType } = {
  n: { kind: "null" },
  s: { kind: "string" },
  i: { kind: "int64" },
  f: { kind: "float64" },
  b: { kind: "boolean" },
  d: { kind: "date" },
  z: { kind: "timestamp", zone: "utc" },
  t: { kind: "timestamp", zone: "local" },
};

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

/** The types of columns by name, as JSON. */
export function encodeTypes(types: ReadonlyMap<string, ColumnType>): Json {
  return Object.fromEntries(Array.from(types, ([name, type]) => [name, codeOf(type)]));
}

/** What {@link encodeTypes} made. */
export function decodeTypes(json: Json | undefined): ReadonlyMap<string, ColumnType> {
  return new Map(
    Object.entries((json ?? {}) as Readonly<Record<string, string>>).map(([name, code]) => [
      name,
      typeOf(code),
    ]),
  );
}

/** Types that were declared are not kept: whoever reads on declares them again. */
function codeOf(type: ColumnType): string {
  if (type.kind === "decimal") return `${type.precision},${type.scale}`;
  const code = Object.keys(SHORT).find((short) => {
    const other = SHORT[short]!;
    return other.kind === type.kind && (!("zone" in other) || ("zone" in type && other.zone === type.zone));
  });
  return code ?? "n";
}

function typeOf(code: string): ColumnType {
  const [precision, scale] = code.split(",").map(Number);
  return SHORT[code] ?? { kind: "decimal", precision: precision!, scale: scale! };
}
