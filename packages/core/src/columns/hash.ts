import { hash } from "node:crypto";
import type { ColumnType } from "../schema/types.ts";
import type { Batch } from "./batch.ts";
import { dayMicros } from "./coerce.ts";
import { jsonReader } from "./json.ts";
import { isScalar, scalarReader, type Scalar } from "./scalar.ts";
import { formatScalar } from "./text.ts";
import { isValid, type Vector } from "./vector.ts";

/** Characters of a hash: 96 bits in base64url, so that even 100 000 of them collide with a chance below 2^-62. */
const LENGTH = 16;

/**
 * A hash of each row over the named columns, by value: it is the same in every batch and layout (plain or dictionary), whatever the width
 * of a number's type, and stays the same across versions, since cursors store it. A column that the batch lacks counts as null.
 * SHA-256, cut to 96 bits.
 */
export function rowHashes(batch: Batch, columnNames: readonly string[]): string[] {
  const readers = columnNames.map((name) => {
    const at = batch.schema.fields.findIndex((field) => field.name === name);
    return at < 0 ? () => "-" : tokenReader(batch.columns[at]!);
  });
  const hashes: string[] = [];
  for (let row = 0; row < batch.length; row++) {
    let text = "";
    for (const read of readers) text += read(row);
    hashes.push(hash("sha256", text, "base64url").slice(0, LENGTH));
  }
  return hashes;
}

/** A value as a token that says its kind and length, so that no two rows run together to the same text. */
export function tokenReader(vector: Vector): (index: number) => string {
  const { type } = vector;
  const letter = kindLetter(type);
  if (letter === undefined) return () => "-";
  if (!isScalar(type)) {
    const read = jsonReader(vector);
    return (index) => (isValid(vector, index) ? token(letter, read(index)) : "-");
  }
  const read = scalarReader(vector);
  return (index) => {
    const value = read(index);
    return value === null ? "-" : token(letter, stableText(type, value));
  };
}

function token(letter: string, text: string): string {
  return `${letter}${text.length}:${text}`;
}

/** Kinds that widen into each other share a letter. */
function kindLetter(type: ColumnType): string | undefined {
  switch (type.kind) {
    case "null":
      return undefined;
    case "boolean":
      return "b";
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "float32":
    case "float64":
    case "decimal":
      return "n";
    case "date":
      return "l";
    case "timestamp":
      return type.zone === "utc" ? "u" : "l";
    case "binary":
      return "x";
    case "list":
    case "struct":
    case "map":
      return "j";
    default:
      return "t";
  }
}

/** Text that equal values share across the types that widen into each other: as by `formatScalar`, numbers without zeros at the end. */
export function stableText(type: ColumnType, value: Scalar): string {
  switch (type.kind) {
    case "float32":
    case "float64":
      // As a number: a float32 counts as the double that it widens to, and -0 as 0.
      return String(value);
    case "decimal":
      return type.scale === 0 ? formatScalar(type, value) : formatScalar(type, value).replace(/\.?0+$/, "");
    case "date":
      return formatScalar({ kind: "timestamp", zone: "local" }, dayMicros(value as number));
    default:
      return formatScalar(type, value);
  }
}
