import { ChangeOp } from "../columns/batch.ts";
import { AlluviumError } from "../errors.ts";
import { keyBatch } from "./deletes.ts";
import type { KeyNames } from "./plan-steps.ts";
import { portionOfBatch, takeOrdinals, takePortion, type KeyDeletes, type Portion } from "./portion.ts";

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
  const { changes, ...plain } = portion.given ? { ...portion.batch(), changes: undefined } : portion.batch();
  if (changes === undefined) {
    if (deletes) return portion;
    const { ordinals: _, ...rest } = portion;
    return rest;
  }
  if (changes.oldKeys !== undefined || changes.unchanged !== undefined || key === undefined)
    throw new AlluviumError(
      "ALV_UNSUPPORTED",
      `resource ${JSON.stringify(resource)} transforms changes that ${key === undefined ? "are not merged" : "do not carry whole rows"}; load the table as it comes`,
      { resource },
    );
  const kept: number[] = [];
  const gone = new Map<number, number[]>();
  for (let i = 0; i < plain.length; i++) {
    const op = changes.ops[i]!;
    if (op === ChangeOp.insert || op === ChangeOp.update) kept.push(i);
    else gone.set(op, [...(gone.get(op) ?? []), i]);
  }
  const all = portionOfBatch(plain);
  const set: KeyDeletes[] = [...gone].map(([op, rows]) => {
    const indexes = Int32Array.from(rows);
    const ordinals = takeOrdinals(changes.ordinals, rows);
    if (op === ChangeOp.truncate)
      return { op, ordinals, keys: { schema: { fields: [] }, length: rows.length, columns: [] } };
    return { op, ordinals, keys: keyBatch(takePortion(all, indexes).batch(), key, resource) };
  });
  return {
    ...takePortion(all, Int32Array.from(kept)),
    ordinals: takeOrdinals(changes.ordinals, kept),
    deletes: set,
  };
}
