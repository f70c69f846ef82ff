import { castVector } from "../columns/cast.ts";
import { compareScalars, isScalar, scalarReader, type Scalar } from "../columns/scalar.ts";
import type { Vector } from "../columns/vector.ts";
import { AlluviumError } from "../errors.ts";
import { describeType } from "../schema/describe.ts";
import { widenTypes } from "../schema/widen.ts";

/** Reads values of the order column: those of the load's rows by position, those of stored rows by entry. */
export interface OrderValues {
  readonly loaded: (position: number) => Scalar | null;
  readonly stored: (entry: number) => Scalar | null;
}

/** Readers of two columns of one meaning, brought to a common type. */
export function orderValues(loaded: Vector, stored: Vector | undefined): OrderValues {
  const type = stored === undefined ? loaded.type : widenTypes(loaded.type, stored.type);
  if (type === undefined || (type.kind !== "null" && !isScalar(type)))
    throw new AlluviumError(
      "ALV_SCHEMA_CONFLICT",
      `rows cannot be ordered by a column of type ${describeType(loaded.type)}${stored === undefined ? "" : ` where stored rows have ${describeType(stored.type)}`}`,
    );
  const none = (): null => null;
  if (type.kind === "null") return { loaded: none, stored: none };
  return {
    loaded: scalarReader(castVector(loaded, type)),
    stored: stored === undefined ? none : scalarReader(castVector(stored, type)),
  };
}

/** Compares two values of the order column; null is the smallest. */
export function compareOrder(a: Scalar | null, b: Scalar | null): number {
  if (a === null) return b === null ? 0 : -1;
  return b === null ? 1 : compareScalars(a, b);
}
