import { AlluviumError, type ColumnType } from "@alluvium/core";
import { formatDecimal, parseScalar, type Scalar } from "@alluvium/core/columns";
import type { AvroCursor } from "./cursor.ts";
import type { AvroFixed, AvroPrimitive } from "./node.ts";

/** A type without parts: its column type, and how a value is read. */
export interface AvroLeaf {
  readonly type: ColumnType;
  /** A value as columns store it; `ALV_VALUE_UNREPRESENTABLE` where they cannot. */
  readonly read: (cursor: AvroCursor) => Scalar;
  /** A value as text that nothing is asked of, for rows that are refused: with the type that it has as JSON. */
  readonly plain: (cursor: AvroCursor) => string | number | bigint | boolean | RawNumber;
}

/** A number by its digits. */
export interface RawNumber {
  readonly digits: string;
}

/** What becomes of times of finer resolution than a microsecond. */
export type Nanoseconds = "refuse" | "floor";

const DAY = 86_400_000_000n;

/** The leaf that a type is. Source: https://avro.apache.org/docs/1.12.0/specification/#logical-types */
export function leafOf(node: AvroPrimitive | AvroFixed, column: string, nanoseconds: Nanoseconds): AvroLeaf {
  return logicalLeaf(node, column, nanoseconds) ?? plainLeaf(node);
}

function plainLeaf(node: AvroPrimitive | AvroFixed): AvroLeaf {
  switch (node.kind) {
    case "null":
      return same({ kind: "null" }, () => 0);
    case "boolean":
      return same({ kind: "boolean" }, (cursor) => cursor.bytes[cursor.skip(1)] !== 0);
    case "int":
      return same({ kind: "int32" }, (cursor) => cursor.int());
    case "long":
      return same({ kind: "int64" }, (cursor) => cursor.bigint());
    case "float":
      return same({ kind: "float32" }, (cursor) => cursor.view.getFloat32(cursor.skip(4), true));
    case "double":
      return same({ kind: "float64" }, (cursor) => cursor.view.getFloat64(cursor.skip(8), true));
    case "string":
      return same({ kind: "string" }, readText);
    case "bytes":
      return bytesLeaf((cursor) => readBytes(cursor, cursor.count()));
    case "fixed":
      return bytesLeaf((cursor) => readBytes(cursor, node.size));
  }
}

function same<Value extends string | number | bigint | boolean>(
  type: ColumnType,
  read: (cursor: AvroCursor) => Value,
): AvroLeaf {
  return { type, read, plain: read };
}

function bytesLeaf(read: (cursor: AvroCursor) => Uint8Array): AvroLeaf {
  return { type: { kind: "binary" }, read, plain: (cursor) => hex(read(cursor)) };
}

function logicalLeaf(
  node: AvroPrimitive | AvroFixed,
  column: string,
  nanoseconds: Nanoseconds,
): AvroLeaf | undefined {
  const name = node.logical?.name;
  if (name === undefined) return undefined;
  const isLong = node.kind === "long";
  if (name === "decimal") return decimalLeaf(node, column);
  if (name === "uuid") return uuidLeaf(node, column);
  if (name === "date" && node.kind === "int") return same({ kind: "date" }, (cursor) => cursor.int());
  if (name === "time-millis" && node.kind === "int")
    return timeLeaf(column, (cursor) => BigInt(cursor.int()) * 1000n);
  if (name === "time-micros" && isLong) return timeLeaf(column, (cursor) => cursor.bigint());
  const local = name.startsWith("local-timestamp-");
  if (isLong && (local || name.startsWith("timestamp-"))) {
    const type: ColumnType = { kind: "timestamp", zone: local ? "local" : "utc" };
    const unit = name.slice(name.lastIndexOf("-") + 1);
    if (unit === "micros") return same(type, (cursor) => cursor.bigint());
    if (unit === "millis") return millisLeaf(type, column);
    if (unit === "nanos") return nanosLeaf(type, column, nanoseconds);
  }
  if (name === "duration" && node.kind === "fixed" && node.size === 12)
    return same({ kind: "string" }, readDuration);
  return undefined;
}

function decimalLeaf(node: AvroPrimitive | AvroFixed, column: string): AvroLeaf | undefined {
  const { precision, scale } = node.logical!;
  if (node.kind !== "bytes" && node.kind !== "fixed") return undefined;
  if (!Number.isSafeInteger(precision) || !Number.isSafeInteger(scale) || precision < 1) return undefined;
  if (scale < 0 || scale > precision) return undefined;
  if (precision > 38)
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `column ${column} is a decimal of ${precision} digits; up to 38 can be read`,
      { step: "read" },
    );
  const limit = 10n ** BigInt(precision);
  const unscaled = (cursor: AvroCursor): bigint =>
    readBigEndian(readBytes(cursor, node.kind === "fixed" ? node.size : cursor.count()));
  return {
    type: { kind: "decimal", precision, scale },
    read(cursor) {
      const value = unscaled(cursor);
      if (value < limit && value > -limit) return value;
      throw unrepresentable(
        column,
        `${formatDecimal(value, scale)}, which has more than ${precision} digits`,
      );
    },
    plain: (cursor) => ({ digits: formatDecimal(unscaled(cursor), scale) }),
  };
}

function uuidLeaf(node: AvroPrimitive | AvroFixed, column: string): AvroLeaf | undefined {
  const type: ColumnType = { kind: "uuid" };
  if (node.kind === "fixed" && node.size === 16)
    return {
      type,
      read: (cursor) => readBytes(cursor, 16),
      plain: (cursor) => hex(readBytes(cursor, 16)),
    };
  if (node.kind !== "string") return undefined;
  return {
    type,
    read(cursor) {
      const text = readText(cursor);
      const value = parseScalar(type, text);
      if (value === undefined) throw unrepresentable(column, `${JSON.stringify(text)}, which is no uuid`);
      return value;
    },
    plain: readText,
  };
}

function timeLeaf(column: string, micros: (cursor: AvroCursor) => bigint): AvroLeaf {
  return {
    type: { kind: "time" },
    read(cursor) {
      const value = micros(cursor);
      if (value >= 0n && value <= DAY) return value;
      throw unrepresentable(column, `a time of ${value} µs, which is not of a day`);
    },
    plain: micros,
  };
}

function millisLeaf(type: ColumnType, column: string): AvroLeaf {
  return {
    type,
    read(cursor) {
      const millis = cursor.bigint();
      const value = millis * 1000n;
      if (BigInt.asIntN(64, value) === value) return value;
      throw unrepresentable(column, `a time of ${millis} ms, which is out of range`);
    },
    plain: (cursor) => cursor.bigint(),
  };
}

function nanosLeaf(type: ColumnType, column: string, nanoseconds: Nanoseconds): AvroLeaf {
  return {
    type,
    read(cursor) {
      const nanos = cursor.bigint();
      const rest = ((nanos % 1000n) + 1000n) % 1000n;
      if (rest === 0n || nanoseconds === "floor") return (nanos - rest) / 1000n;
      throw unrepresentable(
        column,
        `a time of ${nanos} ns, which lies between two microseconds; the option nanoseconds: "floor" cuts it`,
      );
    },
    plain: (cursor) => cursor.bigint(),
  };
}

/** Months, days, milliseconds: four bytes each, lowest first, without sign. As ISO 8601 says a duration. */
function readDuration(cursor: AvroCursor): string {
  const at = cursor.skip(12);
  const months = cursor.view.getUint32(at, true);
  const days = cursor.view.getUint32(at + 4, true);
  const millis = cursor.view.getUint32(at + 8, true);
  return `P${months}M${days}DT${(millis / 1000).toFixed(3)}S`;
}

function readBytes(cursor: AvroCursor, size: number): Uint8Array {
  const at = cursor.skip(size);
  return cursor.bytes.subarray(at, at + size);
}

/** A text. */
export function readText(cursor: AvroCursor): string {
  const { buffer, byteOffset, byteLength } = readBytes(cursor, cursor.count());
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/** A number in two's complement, highest byte first. */
function readBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex(bytes)}`));
}

function hex({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("hex");
}

function unrepresentable(column: string, what: string): AlluviumError {
  return new AlluviumError("ALV_VALUE_UNREPRESENTABLE", `column ${column} holds ${what}`);
}
