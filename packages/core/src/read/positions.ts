import { ChangeOp } from "../columns/batch.ts";
import { resourceError } from "../errors.ts";
import { keyBatch } from "./deletes.ts";
import type { KeyNames } from "../plan-steps.ts";
import { portionOfBatch, takeOrdinals, takePortion, type Portion } from "./portion.ts";

/**
 * A portion made ready for the steps of a resource. Where some go by rows, deletes are set aside, because they pass these, and rows keep
 * their positions where that matters.
 */
export function withPositions(
  portion: Portion,
  key: KeyNames | undefined,
  resource: string,
  { deletes, byRows }: { readonly deletes: boolean; readonly byRows: boolean },
): Portion {
  const { changes, ...plain } = portion.batch();
  if (portion.given || changes === undefined) return deletes ? portion : { ...portion, ordinals: undefined };
  const isPartial = changes.oldKeys !== undefined || changes.unchanged !== undefined;
  if (key === undefined || (isPartial && byRows))
    throw resourceError(
      "ALV_UNSUPPORTED",
      resource,
      key === undefined
        ? "it transforms changes, but does not merge them; load the table as it comes"
        : "filter, map and flatMap need whole rows, and its changes leave out what did not change; use select, rename, cast or mask",
    );
  // Columns are transformed with their changes, whatever the rows do.
  if (!byRows) return { ...portion, ordinals: undefined };
  const rows = portionOfBatch(plain);
  const { ops, ordinals } = changes;
  const taken = (...wanted: readonly number[]): Portion => {
    const indexes = Int32Array.from(ops.keys()).filter(
      (row) => row < plain.length && wanted.includes(ops[row]!),
    );
    return { ...takePortion(rows, indexes), ordinals: takeOrdinals(ordinals, indexes) };
  };
  const gone = taken(ChangeOp.delete);
  const cleared = taken(ChangeOp.truncate);
  return {
    ...taken(ChangeOp.insert, ChangeOp.update),
    deletes: [
      { op: ChangeOp.delete, keys: keyBatch(gone.batch(), key, resource), ordinals: gone.ordinals! },
      {
        op: ChangeOp.truncate,
        keys: { schema: { fields: [] }, length: cleared.length, columns: [] },
        ordinals: cleared.ordinals!,
      },
    ],
  };
}
