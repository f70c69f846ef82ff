import type { Batch } from "../columns/batch.ts";
import { rowsOf } from "../columns/rows.ts";
import { takeBatch } from "../columns/take.ts";
import type { Condition, Where } from "../disposition.ts";

/** The rows that a window does not hold. */
export function without(batch: Batch, where: Where): Batch {
  const keep: number[] = [];
  let index = 0;
  for (const row of rowsOf(batch, { timestamps: "micros" })) {
    const values = row as Record<string, unknown>;
    if (!where.every((condition) => holds(values[condition.column], condition))) keep.push(index);
    index += 1;
  }
  return keep.length === batch.length ? batch : takeBatch(batch, Int32Array.from(keep));
}

/** Whether a value in user form meets a condition; null meets none. */
function holds(value: unknown, { op, value: wanted }: Condition): boolean {
  if (value === null || value === undefined) return false;
  if (op === "in") return Array.isArray(wanted) && wanted.some((one) => compare(value, one) === 0);
  const order = compare(value, wanted);
  switch (op) {
    case "=":
      return order === 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

function compare(value: unknown, wanted: unknown): number {
  const [left, right] = [comparable(value), comparable(wanted, typeof value === "bigint")];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A value in a form that `<` compares; dates in microseconds, like timestamps. */
function comparable(value: unknown, micros = false): string | number | bigint {
  if (value instanceof Date) return BigInt(value.getTime()) * 1000n;
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
    if (micros && typeof value === "string") return BigInt(Date.parse(value)) * 1000n;
    return value;
  }
  return String(value);
}
