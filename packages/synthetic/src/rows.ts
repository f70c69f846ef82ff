import {
  BooleanBuilder,
  BytesBuilder,
  createBuilder,
  type FixedBuilder,
  type Batch,
  type Builder,
  type Changes,
} from "@alluvium/core/columns";
import type { ColumnType, Schema } from "@alluvium/core";

/** A value on its way into a column: decimals in units of their last digit, timestamps in ms, dates in days. */
export type Cell = number | string | boolean | undefined;

/** Collects rows as columns. */
export interface RowCollector {
  readonly length: number;
  /** Appends a row with one cell per column. */
  readonly put: (op: number, cells: readonly Cell[]) => void;
  /** The rows so far as a batch; with `changes`, their ops too. */
  take(changes: boolean): Batch;
}

const encoder = new TextEncoder();

function setter(type: ColumnType, builder: Builder): (value: number | string | boolean) => void {
  if (builder instanceof BooleanBuilder) return (value) => builder.append(value === true);
  if (builder instanceof BytesBuilder)
    return (value) => {
      const bytes = encoder.encode(String(value));
      builder.appendBytes(bytes, 0, bytes.length);
    };
  const fixed = builder as FixedBuilder;
  const factor = type.kind === "timestamp" ? 1000 : 1;
  if (fixed.values instanceof BigInt64Array)
    return (value) => {
      fixed.reserve(1);
      (fixed.values as BigInt64Array)[fixed.length++] = BigInt((value as number) * factor);
    };
  return (value) => {
    fixed.reserve(1);
    (fixed.values as Int32Array)[fixed.length++] = value as number;
  };
}

/** Collects rows of `schema`. */
export function collectRows(schema: Schema): RowCollector {
  const builders = schema.fields.map((field) => createBuilder(field.type));
  const setters = schema.fields.map((field, index) => setter(field.type, builders[index]!));
  let ops: number[] = [];
  let ordinal = 0n;
  return {
    get length() {
      return ops.length;
    },
    put(op, cells) {
      ops.push(op);
      for (let i = 0; i < setters.length; i++) {
        const cell = cells[i];
        if (cell === undefined) builders[i]!.appendNull();
        else setters[i]!(cell);
      }
    },
    take(withChanges) {
      const length = ops.length;
      const changes: Changes = {
        ops: Uint8Array.from(ops),
        ordinals: BigInt64Array.from(ops, () => ordinal++),
      };
      ops = [];
      return {
        schema,
        length,
        columns: builders.map((builder) => builder.finish()),
        ...(withChanges ? { changes } : {}),
      };
    },
  };
}
