import type { Batch } from "../columns/batch.ts";
import { concatBatches } from "../columns/concat.ts";
import { rowsOf } from "../columns/rows.ts";
import { takeBatch } from "../columns/take.ts";

/**
 * Some rows on their way, as columns and as objects: whichever form is asked for and not there yet is made from the other, once.
 */
export interface Portion {
  readonly length: number;
  readonly batch: () => Batch;
  readonly rows: () => readonly object[];
  /** Whether the objects came first: then they have the values that user code gave them, which columns may hold in another form. */
  readonly given: boolean;
  /** Position of each row in its stream; present where deletes are told apart from other rows by their order. */
  readonly ordinals?: BigInt64Array;
  /** Keys that are deleted, by their final column names. */
  readonly deletes?: readonly KeyDeletes[];
}

/** Deleted keys (or truncations, which have none), with the position of each. */
export interface KeyDeletes {
  readonly op: number;
  readonly keys: Batch;
  readonly ordinals: BigInt64Array;
}

/** What a portion carries besides its rows. */
export type Baggage = Pick<Portion, "ordinals" | "deletes">;

/** Rows that are there as columns, and perhaps as objects too. */
export function portionOfBatch(batch: Batch, rows?: readonly object[], baggage: Baggage = {}): Portion {
  let made = rows;
  return {
    length: batch.length,
    batch: () => batch,
    rows: () => (made ??= rowsOf(batch)),
    given: rows !== undefined,
    ...baggage,
  };
}

/** Rows that are there as objects; `toBatch` makes columns of them. */
export function portionOfRows(
  rows: readonly object[],
  toBatch: (rows: readonly object[]) => Batch,
  baggage: Baggage = {},
): Portion {
  let made: Batch | undefined;
  return {
    length: rows.length,
    batch: () => (made ??= toBatch(rows)),
    rows: () => rows,
    given: true,
    ...baggage,
  };
}

/** The rows named by `indexes`; deletes stay. */
export function takePortion(portion: Portion, indexes: Int32Array): Portion {
  if (indexes.length === portion.length) return portion;
  const { ordinals, deletes } = portion;
  let batch: Batch | undefined;
  let rows: readonly object[] | undefined;
  return {
    length: indexes.length,
    batch: () => (batch ??= takeBatch(portion.batch(), indexes)),
    rows: () =>
      (rows ??=
        portion.given || batch === undefined
          ? Array.from(indexes, (index) => portion.rows()[index]!)
          : rowsOf(batch)),
    given: portion.given,
    ...(ordinals && { ordinals: takeOrdinals(ordinals, indexes) }),
    ...(deletes && { deletes }),
  };
}

/** The positions named by `indexes`. */
export function takeOrdinals(ordinals: BigInt64Array, indexes: ArrayLike<number>): BigInt64Array {
  const taken = new BigInt64Array(indexes.length);
  for (let i = 0; i < taken.length; i++) taken[i] = ordinals[indexes[i]!]!;
  return taken;
}

/** Portions of the same columns as one batch. */
export function joinBatches(batches: readonly Batch[]): Batch {
  return batches.length === 1 ? batches[0]! : concatBatches(batches);
}
