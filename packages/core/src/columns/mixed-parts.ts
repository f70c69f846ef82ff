import type { ColumnType } from "../schema/types.ts";
import { sameType } from "../schema/equal.ts";
import { createAppender } from "./append.ts";
import { onlyRows } from "./marked-rows.ts";
import { parseExact } from "./parse-exact.ts";
import { scalarReader } from "./scalar.ts";
import { formatScalar, parseScalar } from "./text.ts";
import { vectorOf } from "./values.ts";
import type { Vector } from "./vector.ts";

const INT64: ColumnType = { kind: "int64" };
const FLOAT64: ColumnType = { kind: "float64" };
const INTEGER: ColumnType = { kind: "decimal", precision: 38, scale: 0 };

/** Some values of a mixed column, all of one kind: a vector of all its rows, null where the value is of another kind. */
export interface MixedPart {
  readonly kind: "text" | "boolean" | "number" | "list" | "object" | "other";
  readonly vector: Vector;
}

/**
 * The values of a mixed column by their kind: texts, booleans, numbers (as `int64`, where that is too narrow as `decimal(38, 0)`, and with a fraction
 * as `float64`, or a decimal where a double is not exact), lists, objects; numbers of more digits than any type holds are JSON. Where
 * `target` is a float, integers are `float64` that a double says as well; where it is what the column was before, texts of it are of that type.
 */
export function mixedParts(vector: Vector, target: ColumnType): readonly MixedPart[] {
  const { length, type } = vector;
  const before = type.kind === "json" ? type.mixed : undefined;
  const said = before !== undefined && isSaid(before) && sameType(before, target) ? target : undefined;
  const isFloat = target.kind === "float64" || target.kind === "float32";
  const read = scalarReader(vector);
  const parts = new Map<
    string,
    { kind: MixedPart["kind"]; type: ColumnType | undefined; values: unknown[] }
  >();
  const others = new Uint8Array((length + 7) >> 3);
  const decimals: [row: number, text: string][] = [];
  let hasOthers = false;

  function put(
    row: number,
    name: string,
    kind: MixedPart["kind"],
    as: ColumnType | undefined,
    value: unknown,
  ): void {
    let part = parts.get(name);
    if (part === undefined)
      parts.set(name, (part = { kind, type: as, values: Array.from({ length }, () => null) }));
    part.values[row] = value;
  }

  function keep(row: number): void {
    others[row >> 3]! |= 1 << (row & 7);
    hasOthers = true;
  }

  function putNumber(row: number, text: string): void {
    const double = Number(text);
    const isDouble = formatScalar(FLOAT64, double) === text;
    if (!/^-?\d+$/.test(text) || (isFloat && isDouble)) {
      if (isDouble) put(row, "float", "number", FLOAT64, double);
      else if (/^-?\d+\.\d+$/.test(text)) decimals.push([row, text]);
      else keep(row);
      return;
    }
    const integer = BigInt(text);
    if (BigInt.asIntN(64, integer) === integer) put(row, "int", "number", INT64, integer);
    else if (parseScalar(INTEGER, text) !== undefined) put(row, "integer", "number", INTEGER, integer);
    else keep(row);
  }

  for (let row = 0; row < length; row++) {
    const text = read(row) as string | null;
    if (text === null || text === "null") continue;
    switch (text[0]) {
      case '"': {
        const value = JSON.parse(text) as string;
        const scalar = said && parseScalar(said, value);
        if (scalar !== undefined && formatScalar(said!, scalar) === value)
          put(row, "said", "text", said, value);
        else put(row, "text", "text", { kind: "string" }, value);
        break;
      }
      case "t":
      case "f":
        put(row, "boolean", "boolean", { kind: "boolean" }, text === "true");
        break;
      case "[":
        put(row, "list", "list", undefined, parseExact(text));
        break;
      case "{":
        put(row, "object", "object", undefined, parseExact(text));
        break;
      default:
        putNumber(row, text);
    }
  }
  const exact = decimalOf(decimals.map(([, text]) => text));
  for (const [row, text] of decimals)
    if (exact === undefined) keep(row);
    else put(row, "decimal", "number", exact, text);
  return [
    ...Array.from(parts.values(), ({ kind, type: as, values }): MixedPart => {
      return { kind, vector: as === undefined ? inferred(values) : vectorOf(as, values) };
    }),
    ...(hasOthers ? [{ kind: "other" as const, vector: onlyRows(asJson(vector), others) }] : []),
  ];
}

/** Whether values of a type are texts in JSON that say what they are. Bytes are not: their digits may be a text's own. */
function isSaid({ kind }: ColumnType): boolean {
  return kind === "timestamp" || kind === "date" || kind === "uuid";
}

/** A mixed column as one of JSON like any other. */
export function asJson(vector: Vector): Vector {
  return { ...vector, type: { kind: "json" } } as Vector;
}

function inferred(values: readonly unknown[]): Vector {
  const appender = createAppender();
  for (const value of values) appender.append({ value });
  return appender.finish().columns[0]!;
}

/** The least decimal that holds numbers in digits, if there is one. */
function decimalOf(texts: readonly string[]): ColumnType | undefined {
  let whole = 0;
  let scale = 0;
  for (const text of texts) {
    const [digits, fraction] = text.replace("-", "").split(".") as [string, string];
    whole = Math.max(whole, digits.replace(/^0+/, "").length);
    scale = Math.max(scale, fraction.length);
  }
  const precision = Math.max(1, whole + scale);
  return precision > 38 ? undefined : { kind: "decimal", precision, scale };
}
