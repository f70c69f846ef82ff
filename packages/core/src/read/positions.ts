import { ChangeOp } from "../columns/batch.ts";
import { resourceError } from "../errors.ts";
import { keyBatch } from "./deletes.ts";
import type { KeyNames } from "../plan-steps.ts";
import { portionOfBatch, takeOrdinals, takePortion, type Portion } from "./portion.ts";

/**
 * A portion made ready for the steps of a resource: deletes are set aside, because they pass transforms, and rows keep their positions where
 * that matters.
 */
export function withPositions(
  portion: Portion,
  key: KeyNames | undefined,
  resource: string,
  deletes: boolean,
): Portion {
  const { changes, ...plain } = portion.batch();
  if (portion.given || changes === undefined) return deletes ? portion : { ...portion, ordinals: undefined };
  if (changes.oldKeys !== undefined || changes.unchanged !== undefined || key === undefined)
    throw resourceError(
      "ALV_UNSUPPORTED",
      resource,
      `it transforms changes that ${key === undefined ? "are not merged" : "do not carry whole rows"}; load the table as it comes`,
    );
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
