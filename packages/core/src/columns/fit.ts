import { isTypeWithin } from "../schema/equal.ts";
import type { ColumnType } from "../schema/types.ts";
import { bitAt } from "./bitmap.ts";
import { castScalars, castVector, usedRange } from "./cast.ts";
import { converter } from "./convert.ts";
import { materialize } from "./dictionary.ts";
import { nullVector } from "./null-vector.ts";
import { concatVectors } from "./concat.ts";
import { asJson, mixedParts } from "./mixed-parts.ts";
import { mark, onlyRows, validRows } from "./marked-rows.ts";
import { isScalar } from "./scalar.ts";
import { withoutUnknown } from "./without-unknown.ts";
import { takeVector } from "./take.ts";
import { isValid, type FixedVector, type StructVector, type Vector } from "./vector.ts";

/** What of a vector another type can hold. */
export interface Fit {
  /** The rows that fit, exactly as by `castVector`; the others are null. */
  readonly vector: Vector;
  /** A bitmap (least significant bit first) of the rows that do not fit; `undefined` where all do. */
  readonly misfits?: Uint8Array | undefined;
  /** Of a mixed column: the values that do not fit, by their kinds. */
  readonly rests?: readonly Vector[] | undefined;
}

/** Fits the members of a struct; it may give the struct other members. */
export type FitStruct = (
  vector: StructVector,
  type: ColumnType & { readonly kind: "struct" },
  path: string,
) => Fit;

/**
 * The rows of a vector as `type` as far as they fit it, and which do not. Each row goes by itself; of a list or map that has one element
 * which does not fit, the whole row does not. Members of structs are `fitStruct`'s part.
 */
export function fitVector(vector: Vector, type: ColumnType, path: string, fitStruct: FitStruct): Fit {
  if (isTypeWithin(vector.type, type)) return { vector };
  const { length } = vector;
  if (vector.nullCount === length) return { vector: nullVector(type, length) };
  if (vector.layout === "dictionary") {
    const { vector: dictionary, misfits } = fitVector(vector.dictionary, type, path, fitStruct);
    if (misfits === undefined) return { vector: { ...vector, type: dictionary.type, dictionary } };
    return fitVector(materialize(vector), type, path, fitStruct);
  }
  if (type.kind === "json") return { vector: castVector(vector, type, path) };
  if (vector.type.kind === "json" && vector.type.mixed !== undefined)
    return fitMixed(vector, type, path, fitStruct);
  if (vector.layout === "struct" && type.kind === "struct") return fitStruct(vector, type, path);
  if (vector.layout === "list" && type.kind === "list") {
    const { offsets, used } = usedRange(vector, [vector.child]);
    const fit = fitVector(used[0]!, type.element.type, `${path}[]`, fitStruct);
    if (fit.misfits !== undefined)
      return without(vector, rangesWith(fit.misfits, offsets, length), (rest) =>
        fitVector(rest, type, path, fitStruct),
      );
    const element = { ...type.element, type: fit.vector.type };
    return { vector: { ...vector, type: { kind: "list", element }, offsets, child: fit.vector } };
  }
  if (vector.layout === "map" && type.kind === "map") {
    const { offsets, used } = usedRange(vector, [vector.keys, vector.values]);
    const keys = fitVector(used[0]!, type.key.type, `${path}{key}`, fitStruct);
    const values = fitVector(used[1]!, type.value.type, `${path}{}`, fitStruct);
    if (keys.misfits !== undefined || values.misfits !== undefined) {
      const rows = rangesWith(keys.misfits, offsets, length);
      rangesWith(values.misfits, offsets, length, rows);
      return without(vector, rows, (rest) => fitVector(rest, type, path, fitStruct));
    }
    const [key, value] = [
      { ...type.key, type: keys.vector.type },
      { ...type.value, type: values.vector.type },
    ];
    return {
      vector: {
        ...vector,
        type: { kind: "map", key, value },
        offsets,
        keys: keys.vector,
        values: values.vector,
      },
    };
  }
  const convert = isScalar(type) && isScalar(vector.type) ? converter(vector.type, type) : undefined;
  if (convert === undefined) return { vector: nullVector(type, length), misfits: validRows(vector) };
  if (vector.layout === "fixed" && vector.type.kind === "float64" && type.kind === "int64")
    return fitDoubles(vector, type);
  let misfits: Uint8Array | undefined;
  const fitting = castScalars(vector, type, convert, (_, row) => {
    misfits = mark(misfits, row, length);
  });
  return { vector: fitting, misfits };
}

/** The values of a mixed column each by its own kind. In text only texts fit: a 5 that became "5" could not be told from one. */
function fitMixed(vector: Vector, type: ColumnType, path: string, fitStruct: FitStruct): Fit {
  const { length } = vector;
  const fitting: Vector[] = [];
  const rests: Vector[] = [];
  let misfits: Uint8Array | undefined;
  let nested: Uint8Array | undefined;
  for (const part of mixedParts(vector, type)) {
    const isText = type.kind === "string" && part.kind !== "text";
    // What no column can be made for yet would be left out.
    const { known, unknown } = withoutUnknown(part.vector);
    if (unknown.nullCount < length) {
      nested = union(nested, validRows(unknown));
      misfits = union(misfits, validRows(unknown));
    }
    const fit: Fit = isText
      ? { vector: nullVector(type, length), misfits: validRows(part.vector) }
      : fitVector(known, type, path, fitStruct);
    if (fit.vector.nullCount < length) fitting.push(fit.vector);
    if (fit.misfits === undefined) continue;
    misfits = union(misfits, fit.misfits);
    if (isScalar(part.vector.type) && part.kind !== "other") rests.push(onlyRows(part.vector, fit.misfits));
    else nested = union(nested, fit.misfits);
  }
  if (nested !== undefined) rests.push(onlyRows(asJson(vector), nested));
  const merged = fitting.length === 0 ? nullVector(type, length) : mergeRows(fitting, length);
  return misfits === undefined ? { vector: merged } : { vector: merged, misfits, rests };
}

function union(a: Uint8Array | undefined, b: Uint8Array): Uint8Array {
  return a === undefined ? b : b.map((byte, i) => byte | a[i]!);
}

/** Vectors of one type of which at most one has a value in each row, as one. */
function mergeRows(vectors: readonly Vector[], length: number): Vector {
  if (vectors.length === 1) return vectors[0]!;
  const rows = new Int32Array(length).fill(-1);
  vectors.forEach((vector, i) => {
    for (let row = 0; row < length; row++) if (isValid(vector, row)) rows[row] = i * length + row;
  });
  return takeVector(concatVectors(vectors), rows);
}

/** Doubles that are integers up to 2^53 as 64-bit integers, by words: numbers of user code, where a fraction comes late, go this way. */
function fitDoubles(vector: FixedVector, type: ColumnType): Fit {
  const { length } = vector;
  const doubles = vector.values;
  const values = new BigInt64Array(length);
  const words = new Int32Array(values.buffer);
  let misfits: Uint8Array | undefined;
  for (let row = 0; row < length; row++) {
    const value = doubles[row] as number;
    if (Number.isSafeInteger(value)) {
      // `| 0` is modulo 2^32: the low word, also of a negative number.
      words[2 * row] = value | 0;
      words[2 * row + 1] = Math.floor(value / 4294967296);
    } else if (isValid(vector, row)) misfits = mark(misfits, row, length);
  }
  const base = { ...vector, type, values };
  return misfits === undefined ? { vector: base } : { vector: nullRows(base, misfits), misfits };
}

/** The rows of `vector` without those marked, which become null before the others are fitted. */
function without(vector: Vector, misfits: Uint8Array, fit: (rest: Vector) => Fit): Fit {
  const rows = Int32Array.from({ length: vector.length }, (_, row) => (bitAt(misfits, row) ? -1 : row));
  const rest = fit(takeVector(vector, rows));
  // By themselves they may not fit either: the kinds of mixed values are known by all that stand together.
  return {
    vector: rest.vector,
    misfits: rest.misfits === undefined ? misfits : union(misfits, rest.misfits),
  };
}

/** Ranges of which some element is marked. */
function rangesWith(
  elements: Uint8Array | undefined,
  offsets: Int32Array,
  length: number,
  rows: Uint8Array = new Uint8Array((length + 7) >> 3),
): Uint8Array {
  if (elements === undefined) return rows;
  for (let row = 0; row < length; row++)
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++)
      if (bitAt(elements, at)) {
        mark(rows, row, length);
        break;
      }
  return rows;
}

function nullRows(vector: FixedVector, rows: Uint8Array): Vector {
  const { length } = vector;
  const validity = new Uint8Array((length + 7) >> 3);
  let nullCount = 0;
  for (let row = 0; row < length; row++)
    if (isValid(vector, row) && !bitAt(rows, row)) mark(validity, row, length);
    else nullCount += 1;
  return { ...vector, nullCount, validity };
}
