import { compareScalars, parseScalar, scalarReader, type Scalar, type Vector } from "@alluvium/core/columns";
import type { WantsGroup } from "../../lake/files/row-groups.ts";
import type { AddFile } from "../log/actions.ts";
import type { Column } from "../read/columns.ts";
import { boundsOf, nullsOf, parseStatistics } from "../read/pruning.ts";
import { sortedRows, type SortedRows } from "./sorted-rows.ts";

/** Tells files and row groups that cannot hold a key. Errs towards "may". */
export interface KeyFilter {
  mayHold(add: AddFile): boolean;
  /** Of a file that may hold one. */
  readonly wants: WantsGroup;
  /** Of a batch in the order of the first column; `undefined`: that says nothing here. */
  readonly sorted: SortedRows | undefined;
}

/** A {@link KeyFilter} for keys over `columns`; row i of all `keys` together is a key. */
export function keyFilter(columns: readonly Column[], keys: readonly Vector[]): KeyFilter {
  const count = keys[0]?.length ?? 0;
  const [first] = keys;
  const sets = columns.map((column, i) => ({ column, values: valuesOf(column, keys[i]!) }));
  return {
    sorted: first && sortedRows(first),
    mayHold(add) {
      if (count === 0) return false;
      let statistics: ReturnType<typeof parseStatistics> | null = null;
      return sets.every(({ column, values }) => {
        if (column.partition) return values.mayHoldText(add.partitionValues[column.physical]);
        if (statistics === null) statistics = parseStatistics(add.stats);
        if (statistics === undefined) return true;
        const { min, max } = boundsOf(column, statistics);
        return values.mayHold(min, max, nullsOf(column, statistics) !== 0);
      });
    },
    wants: ({ columns: chunks }) =>
      sets.every(({ column, values }) => {
        if (column.partition) return true;
        const chunk = chunks.find(({ path }) => path.length === 1 && path[0] === column.physical);
        if (chunk === undefined) return true;
        const { min, max, nulls } = chunk.statistics;
        const known = (bound: unknown): Scalar | undefined => boundOf(column, bound);
        return values.mayHold(known(min), known(max), nulls !== 0);
      }),
  };
}

/**
 * A bound of a row group in the form of the column's type; `undefined` where the file may have stored it in another one. Units and scales are
 * those of the file, so that only plain integers and text are compared.
 */
function boundOf({ type }: Column, bound: unknown): Scalar | undefined {
  switch (type.kind) {
    case "int8":
    case "int16":
    case "int32":
      return typeof bound === "number" ? bound : undefined;
    case "int64":
      if (typeof bound === "number" && Number.isInteger(bound)) return BigInt(bound);
      return typeof bound === "bigint" ? bound : undefined;
    case "string":
      return bound instanceof Uint8Array ? textOf(bound) : undefined;
    default:
      return undefined;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Cut within a character.
    return undefined;
  }
}

/** The values of one column of all keys. */
interface KeyValues {
  /** Whether one lies within bounds, of which either may be unknown, or is null where nulls may be. */
  mayHold(min: Scalar | undefined, max: Scalar | undefined, nulls: boolean): boolean;
  /** Whether one has the value of a partition. */
  mayHoldText(text: string | null | undefined): boolean;
}

function valuesOf({ type }: Column, vector: Vector): KeyValues {
  const hasNull = vector.nullCount > 0;
  if (vector.layout === "null")
    return { mayHold: (_min, _max, nulls) => nulls, mayHoldText: (text) => !text };
  const partitionOf = (text: string | null | undefined): Scalar | null | undefined =>
    text === null || text === undefined || text === "" ? null : parseScalar(type, text);
  let distinct: Set<Scalar> | undefined;
  const mayHoldText = (text: string | null | undefined): boolean => {
    const value = partitionOf(text);
    if (value === undefined || typeof value === "object") return value === null ? hasNull : true;
    if (distinct === undefined) {
      const read = scalarReader(vector);
      distinct = new Set();
      for (let row = 0; row < vector.length; row++) {
        const key = read(row);
        if (key !== null) distinct.add(key === 0 ? 0 : key);
      }
    }
    return distinct.has(value === 0 ? 0 : value);
  };
  const overlaps = overlapTest(vector);
  return {
    mayHold: (min, max, nulls) => (hasNull && nulls) || overlaps === undefined || overlaps(min, max),
    mayHoldText,
  };
}

/**
 * Tells whether a value lies within bounds: exactly for numbers, which are put in order; by the least and the greatest value for the rest.
 * `undefined` for what has no order that all writers share.
 */
function overlapTest(
  vector: Vector,
): ((min: Scalar | undefined, max: Scalar | undefined) => boolean) | undefined {
  const { kind } = vector.type;
  if (kind === "float32" || kind === "float64" || kind === "boolean" || kind === "binary") return undefined;
  const sorted = sortedNumbers(vector);
  if (sorted !== undefined)
    return (min, max) => {
      // The first key that is not below the lower bound.
      let low = 0;
      for (let high = sorted.length; min !== undefined && low < high;) {
        const middle = (low + high) >> 1;
        if (sorted[middle]! < (min as number)) low = middle + 1;
        else high = middle;
      }
      return low < sorted.length && (max === undefined || sorted[low]! <= (max as number));
    };
  const read = scalarReader(vector);
  let least: Scalar | undefined;
  let greatest: Scalar | undefined;
  for (let row = 0; row < vector.length; row++) {
    const value = read(row);
    if (value === null) continue;
    if (least === undefined || compareScalars(value, least) < 0) least = value;
    if (greatest === undefined || compareScalars(value, greatest) > 0) greatest = value;
  }
  return (min, max) =>
    least !== undefined &&
    (min === undefined || compareScalars(greatest!, min) >= 0) &&
    (max === undefined || compareScalars(least, max) <= 0);
}

function sortedNumbers(vector: Vector): Int8Array | Int16Array | Int32Array | BigInt64Array | undefined {
  if (vector.layout !== "fixed" || vector.nullCount > 0) return undefined;
  const { values, length, type } = vector;
  if (values instanceof Int32Array || values instanceof Int16Array || values instanceof Int8Array)
    return values.slice(0, length).sort();
  if (values instanceof BigInt64Array && (type.kind !== "decimal" || type.precision <= 18))
    return values.slice(0, length).sort();
  return undefined;
}
