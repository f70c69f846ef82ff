import { AlluviumError } from "../errors.ts";
import type { Batch } from "./batch.ts";
import { parseExact } from "./parse-exact.ts";
import { scalarReader } from "./scalar.ts";
import { formatScalar } from "./text.ts";
import { isValid, type Vector } from "./vector.ts";

/** Options of {@link rowsOf}. */
export interface RowOptions {
  /**
   * Timestamps as `Date` (milliseconds, the rest cut off towards the past) or as bigint microseconds in full. @default "date"
   */
  readonly timestamps?: "date" | "micros";
}

/**
 * The rows of a batch as objects: `int64` as bigint, `decimal`, `date`, `time` and `uuid` as text, `timestamp` as `Date`, `binary` as bytes,
 * `json` parsed (integers beyond 2^53 as bigint), lists, structs and maps as arrays, objects and Maps. Each row has every column, null where it has no value.
 *
 * @example
 * ```ts
 * const rows = rowsOf(batch).filter((row) => row.open === true);
 * ```
 */
export function rowsOf<Row extends object = Record<string, unknown>>(
  batch: Batch,
  options: RowOptions = {},
): Row[] {
  const build = objectReader(
    batch.schema.fields.map((field) => field.name),
    batch.columns.map((column) => userReader(column, options)),
  );
  const rows: Row[] = [];
  for (let row = 0; row < batch.length; row++) rows.push(build(row) as Row);
  return rows;
}

/** Reads rows of a vector as values of user code; see {@link rowsOf}. */
export function userReader(vector: Vector, options: RowOptions = {}): (index: number) => unknown {
  const read = validReader(vector, options);
  return vector.nullCount === 0 ? read : (index) => (isValid(vector, index) ? read(index) : null);
}

function validReader(vector: Vector, options: RowOptions): (index: number) => unknown {
  switch (vector.layout) {
    case "null":
      return () => null;
    case "dictionary": {
      const read = userReader(vector.dictionary, options);
      return (index) => read(vector.codes[index]!);
    }
    case "list": {
      const read = userReader(vector.child, options);
      const { offsets } = vector;
      return (index) => {
        const values: unknown[] = [];
        for (let at = offsets[index]!; at < offsets[index + 1]!; at++) values.push(read(at));
        return values;
      };
    }
    case "map": {
      const key = userReader(vector.keys, options);
      const value = userReader(vector.values, options);
      const { offsets } = vector;
      return (index) => {
        const entries = new Map<unknown, unknown>();
        for (let at = offsets[index]!; at < offsets[index + 1]!; at++) entries.set(key(at), value(at));
        return entries;
      };
    }
    case "struct": {
      const names = vector.type.kind === "struct" ? vector.type.fields.map((field) => field.name) : [];
      return objectReader(
        names,
        vector.children.map((child) => userReader(child, options)),
      );
    }
    default:
      return scalarUserReader(vector, options);
  }
}

function scalarUserReader(vector: Vector, { timestamps }: RowOptions): (index: number) => unknown {
  const { type } = vector;
  const read = scalarReader(vector);
  switch (type.kind) {
    case "decimal":
    case "date":
    case "time":
    case "uuid":
      return (index) => formatScalar(type, read(index)!);
    case "timestamp":
      return timestamps === "micros" ? read : (index) => dateOf(read(index) as bigint);
    case "binary":
      return (index) => (read(index) as Uint8Array).slice();
    case "json":
      return (index) => parseExact(read(index) as string);
    default:
      return read;
  }
}

function objectReader(
  names: readonly string[],
  readers: readonly ((index: number) => unknown)[],
): (index: number) => object {
  const count = names.length;
  const special = names.includes("__proto__");
  return (index) => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const value = readers[i]!(index);
      // Assigning to this name would set the prototype.
      if (special && names[i] === "__proto__")
        Object.defineProperty(row, "__proto__", {
          value,
          enumerable: true,
          writable: true,
          configurable: true,
        });
      else row[names[i]!] = value;
    }
    return row;
  };
}

function dateOf(micros: bigint): Date {
  const safe = Number(micros);
  // Exact up to 2^53 µs, the year 2255; beyond, the division is done in integers.
  const millis = Number.isSafeInteger(safe)
    ? Math.floor(safe / 1000)
    : Number((micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n);
  const date = new Date(millis);
  if (!Number.isNaN(date.getTime())) return date;
  throw new AlluviumError(
    "ALV_VALUE_UNREPRESENTABLE",
    `the timestamp ${formatScalar({ kind: "timestamp", zone: "utc" }, micros)} is out of the range of Date: read timestamps as "micros"`,
  );
}
