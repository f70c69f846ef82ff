import type { Json } from "./state/json.ts";

const positions = new WeakMap<object, Json>();

/**
 * Says where a row stood at its source, for rows that `read` yields: gives the row itself. Should it be refused, its entry in the quarantine says so
 * beside its number in the read (`{ row: 17, file: "orders.csv", line: 40 }`). Costs some memory as long as the row is there.
 *
 * @example
 * ```ts
 * const orders = resource({
 *   name: "orders",
 *   schema: typed<Order>(),
 *   *read() {
 *     for (const [i, text] of ['{"id":1}', '{"id":2}'].entries())
 *       yield located(JSON.parse(text) as object, { file: "orders.jsonl", line: i + 1 });
 *   },
 * });
 * ```
 */
export function located<Row extends object>(row: Row, position: Readonly<Record<string, Json>>): Row {
  positions.set(row, position);
  return row;
}

/** Where a row stood, if its source said so. */
export function positionOf(row: unknown): Json | undefined {
  return typeof row === "object" && row !== null ? positions.get(row) : undefined;
}
