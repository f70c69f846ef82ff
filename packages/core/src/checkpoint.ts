import type { Json } from "./state/json.ts";

/** A point from which a read can go on; see {@link checkpoint}. */
export interface Checkpoint {
  readonly kind: "checkpoint";
  readonly position: Json;
}

const checkpoints = new WeakSet<object>();

/**
 * A point to resume from, to be yielded by `read` between rows: everything before it has been yielded, and a read that is given `position`
 * yields everything after. Runs that end early, and long runs in their midst, commit up to the last one.
 *
 * A resource with a cursor column comes back to `position` only until the read has reached its end; then the cursor takes over. Without
 * a cursor column the position is the cursor: it is kept from run to run, so the last thing that `read` yields must be a checkpoint. A
 * resource that replaces its table starts over instead, and one in ascending order does without.
 *
 * @example
 * ```ts
 * const orders = resource({
 *   name: "orders",
 *   schema: typed<Order>(),
 *   async *read({ position, signal }) {
 *     for (let page = Number(position ?? 1); ; page++) {
 *       const rows = await fetchPage(page, signal);
 *       if (rows.length === 0) return;
 *       yield rows;
 *       yield checkpoint(page + 1);
 *     }
 *   },
 * });
 * ```
 */
export function checkpoint(position: Json): Checkpoint {
  const made: Checkpoint = { kind: "checkpoint", position };
  checkpoints.add(made);
  return made;
}

/** Whether something that was yielded is a checkpoint, and not a row that looks like one. */
export function isCheckpoint(item: unknown): item is Checkpoint {
  return typeof item === "object" && item !== null && checkpoints.has(item);
}
