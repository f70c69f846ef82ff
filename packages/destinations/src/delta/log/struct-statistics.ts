import { formatScalar, isScalar, isValid, scalarReader, type Vector } from "@alluvium/core/columns";
import type { ColumnType } from "@alluvium/core";
import { membersOf } from "./cells.ts";

/**
 * Statistics that a checkpoint holds as columns (`add.stats_parsed`) as the JSON text that they would be otherwise; `undefined`
 * where the checkpoint has none. Numbers stay exact.
 */
export function statisticsOfStruct(add: Vector): ((row: number) => string | undefined) | undefined {
  if (add.layout !== "struct") return undefined;
  const stats = membersOf(add).find(([name]) => name === "stats_parsed")?.[1];
  return stats && textOf(stats);
}

/** JSON text of a row; `undefined` for nulls, which are left out. */
function textOf(vector: Vector): ((row: number) => string | undefined) | undefined {
  if (vector.layout === "struct") {
    const members = membersOf(vector).flatMap(([name, child]) => {
      const read = textOf(child);
      return read === undefined ? [] : [[JSON.stringify(name), read] as const];
    });
    return (row) => {
      if (!isValid(vector, row)) return undefined;
      const parts: string[] = [];
      for (const [name, read] of members) {
        const text = read(row);
        if (text !== undefined) parts.push(`${name}:${text}`);
      }
      return `{${parts.join(",")}}`;
    };
  }
  if (!isScalar(vector.type)) return undefined;
  const read = scalarReader(vector);
  const { type } = vector;
  return (row) => {
    const value = read(row);
    return value === null ? undefined : jsonText(type, formatScalar(type, value));
  };
}

const bare = new Set<ColumnType["kind"]>([
  "boolean",
  "int8",
  "int16",
  "int32",
  "int64",
  "float32",
  "float64",
  "decimal",
]);

/** The canonical text of a value as JSON: a number to the letter, or a string. */
export function jsonText(type: ColumnType, text: string): string {
  return bare.has(type.kind) && text !== "NaN" && !text.endsWith("Infinity") ? text : JSON.stringify(text);
}
