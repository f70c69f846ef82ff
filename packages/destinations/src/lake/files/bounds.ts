import type { Field, Schema } from "@alluvium/core";
import { formatScalar, type Scalar } from "@alluvium/core/columns";
import type { LeafSummary } from "@alluvium/core/parquet";
import type { ColumnStatistics } from "../contract.ts";

/** Leaf columns that get statistics: as many as Delta indexes by default. */
const INDEXED_LEAVES = 32;
/** Code points that a string bound keeps. */
const BOUND_CHARACTERS = 32;

/** What is known of one leaf of a file. */
export type LeafBounds = Pick<LeafSummary, "path" | "type" | "nulls" | "min" | "max" | "sawNaN">;

/** The statistics of a file's first leaf columns, as text; see {@link ColumnStatistics}. */
export function columnStatistics(
  leaves: readonly LeafBounds[],
  schema: Schema,
  rows: number,
): readonly ColumnStatistics[] {
  const known = new Map(leaves.map((leaf) => [JSON.stringify(leaf.path), leaf]));
  const statistics: ColumnStatistics[] = [];
  for (const path of plainLeaves(schema.fields)) {
    if (statistics.length === INDEXED_LEAVES) break;
    const leaf = known.get(JSON.stringify(path));
    if (leaf !== undefined) statistics.push({ path, nulls: leaf.nulls, ...boundsOf(leaf, rows) });
  }
  return statistics;
}

/** Paths of the leaves outside lists and maps, in order. */
function* plainLeaves(
  fields: readonly Field[],
  parent: readonly string[] = [],
): Generator<readonly string[]> {
  for (const { name, type } of fields) {
    const path = [...parent, name];
    if (type.kind === "struct") yield* plainLeaves(type.fields, path);
    else if (type.kind !== "list" && type.kind !== "map" && type.kind !== "null") yield path;
  }
}

function boundsOf(leaf: LeafBounds, rows: number): { min?: string; max?: string } {
  const { type, min, max } = leaf;
  if (leaf.nulls >= rows || min === undefined || max === undefined || leaf.sawNaN === true) return {};
  switch (type.kind) {
    case "binary":
    case "json":
      return {};
    case "string": {
      const lower = decode(min as Uint8Array);
      const upper = decode(max as Uint8Array);
      const above = upper === undefined ? undefined : cutAbove(upper);
      return {
        ...(lower === undefined ? {} : { min: cutBelow(lower) }),
        ...(above === undefined ? {} : { max: above }),
      };
    }
    default:
      return { min: formatScalar(type, min as Scalar), max: formatScalar(type, max as Scalar) };
  }
}

const utf8 = { fatal: true, ignoreBOM: true } as const;

/** Bytes that are no UTF-8 have no text to bound them. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", utf8).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A lower bound of `text` with at most 32 code points. */
export function cutBelow(text: string): string {
  if (text.length <= BOUND_CHARACTERS) return text;
  return Array.from(text).slice(0, BOUND_CHARACTERS).join("");
}

/**
 * An upper bound of `text` with at most 32 code points, in the order of UTF-8 bytes: the last code point that can grow is raised by
 * one. `undefined` when none can.
 */
export function cutAbove(text: string): string | undefined {
  if (text.length <= BOUND_CHARACTERS) return text;
  const points = Array.from(text, (char) => char.codePointAt(0)!);
  if (points.length <= BOUND_CHARACTERS) return text;
  points.length = BOUND_CHARACTERS;
  while (points.length > 0) {
    const last = points.pop()!;
    if (last === 0x10ffff) continue;
    // Surrogates are no characters: the next one after U+D7FF is U+E000.
    points.push(last === 0xd7ff ? 0xe000 : last + 1);
    return String.fromCodePoint(...points);
  }
  return undefined;
}
