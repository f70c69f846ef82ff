import { AlluviumError, type ColumnType } from "@alluvium/core";
import { civilOf, formatScalar, scalarReader, type Scalar, type Vector } from "@alluvium/core/columns";
import type { PartitionColumn } from "./partition.ts";

const DAY = 86_400_000_000n;
const HOUR = 3_600_000_000n;

/**
 * A value as Delta writes it in `partitionValues`: canonical text, with these differences. Empty text is null – the protocol has no
 * way to tell them apart –, instants are ISO 8601 in UTC, wall clock readings have a space for the `T`, and floats have a point.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization
 */
export function partitionText(type: ColumnType, value: Scalar): string | null {
  switch (type.kind) {
    case "string":
      return value === "" ? null : (value as string);
    case "timestamp": {
      const text = formatScalar(type, value);
      return type.zone === "local" ? text.replace("T", " ") : text;
    }
    case "float32":
    case "float64": {
      const text = formatScalar(type, value);
      return /^-?\d+$/.test(text) ? `${text}.0` : text;
    }
    default:
      return formatScalar(type, value);
  }
}

/** Reads the partition value of rows of `vector` as stored scalars; `null` for null and for empty text. */
export function partitionReader(column: PartitionColumn, vector: Vector): (row: number) => Scalar | null {
  if (vector.layout === "null") return () => null;
  const read = scalarReader(vector);
  const { transform } = column;
  if (transform === undefined) {
    if (vector.type.kind !== "string") return read;
    return (row) => {
      const value = read(row);
      return value === "" ? null : value;
    };
  }
  const derive = deriving(transform, vector.type);
  return (row) => {
    const value = read(row);
    return value === null ? null : derive(value as number & bigint);
  };
}

function deriving(
  transform: NonNullable<PartitionColumn["transform"]>,
  type: ColumnType,
): (value: number & bigint) => number {
  const day =
    type.kind === "date"
      ? (value: number & bigint): number => value
      : (value: number & bigint): number => {
          const micros = Number(value);
          // Exact within ±285 years; a division of bigints is ten times slower.
          return Number.isSafeInteger(micros)
            ? Math.floor(micros / Number(DAY))
            : Number(floorDiv(value, DAY));
        };
  switch (transform) {
    case "day":
      return day;
    case "year":
      return (value) => civilOf(day(value)).year;
    case "month":
      return (value) => civilOf(day(value)).month;
    case "hour":
      if (type.kind === "date") throw new AlluviumError("ALV_INTERNAL", "a date has no hour");
      return (value) => Number(floorDiv((value as bigint) - floorDiv(value, DAY) * DAY, HOUR));
  }
}

function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return quotient * by > value ? quotient - 1n : quotient;
}
