import { AlluviumError, type TablePlan, type Validity } from "@alluvium/core";
import type { MergeOperation, MergeValidity } from "./contract.ts";
import { tableDirectory } from "./paths.ts";

/** What a merge depends on beside its plan. */
export interface MergeFacts {
  /** Milliseconds since 1970, by the store's clock. */
  readonly now: number;
  /** The last microsecond at which a version may have begun; `undefined` for a table without versions. */
  readonly lastBoundary: string | undefined;
  /** Whether everything that the table held goes. */
  readonly restart: boolean;
}

/** A merge as a manifest holds it: with everything that apply uses, the boundary of its versions included. */
export function mergeOperation(plan: TablePlan, facts: MergeFacts): MergeOperation {
  const { table, disposition, merge = {}, primaryKey, follows } = plan;
  if (disposition.kind !== "merge")
    throw new AlluviumError("ALV_INTERNAL", `table ${table} is not merged into`, { resource: table });
  const { strategy } = disposition;
  const { orderBy, deleteFlag, mergeKey, validity } = merge;
  return {
    kind: "merge",
    strategy,
    primaryKey,
    ...(strategy === "deleteInsert" && { mergeKey: mergeKey ?? primaryKey }),
    ...(orderBy !== undefined && { orderBy }),
    ...(deleteFlag !== undefined && { deleteFlag }),
    ...(strategy === "scd2" && { validity: fixedValidity(plan, validity, facts) }),
    ...(facts.restart && { restart: true }),
    ...(follows && { follows: { ...follows, directory: tableDirectory(follows.table) } }),
  };
}

function fixedValidity(
  { table }: TablePlan,
  validity: Validity | undefined,
  { now, lastBoundary }: MergeFacts,
): MergeValidity {
  if (validity === undefined)
    throw new AlluviumError("ALV_INTERNAL", `table ${table} keeps versions, but its plan does not say how`, {
      resource: table,
    });
  const { from, to, active, boundary, retireAbsent } = validity;
  const next = lastBoundary === undefined ? undefined : BigInt(lastBoundary) + 1n;
  const given = boundary !== undefined && "at" in boundary ? boundary.at : undefined;
  let at = BigInt(Math.floor(given ?? now)) * 1000n;
  if (next !== undefined && next > at) {
    if (given !== undefined && next - at > 1000n)
      throw new AlluviumError(
        "ALV_CONFIG",
        `table ${table}: versions are to begin at ${new Date(given).toISOString()}, but the last load's began as late as ${new Date(Number(next / 1000n)).toISOString()}: give a later boundary`,
        { resource: table },
      );
    at = next;
  }
  return {
    from,
    to,
    active,
    at: String(at),
    ...(boundary !== undefined && "column" in boundary && { column: boundary.column }),
    retireAbsent,
  };
}

/**
 * The last microsecond at which something may happen to a version, as far as can be told before the load is applied: each of its rows may
 * begin one more version of the same key.
 */
export function latestTime({ validity }: MergeOperation, rows: number): string | undefined {
  return validity === undefined ? undefined : String(BigInt(validity.at) + BigInt(rows));
}
