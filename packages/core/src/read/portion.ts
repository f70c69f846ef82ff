import type { Batch } from "../columns/batch.ts";
import { rowsOf } from "../columns/rows.ts";
import { takeBatch } from "../columns/take.ts";
import type { StreamItem } from "../stream.ts";

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
  readonly ordinals?: BigInt64Array | undefined;
  /** Keys that are deleted, by their final column names. */
  readonly deletes?: readonly KeyDeletes[] | undefined;
  /** Where a row stood at the source, where it says so. */
  readonly locate?: Locate | undefined;
}

/** Where a row stood at its source. */
export type Locate = NonNullable<Extract<StreamItem, { readonly batch: unknown }>["locate"]>;

/** Deleted keys (or truncations, which have none), with the position of each. */
export interface KeyDeletes {
  readonly op: number;
  readonly keys: Batch;
  readonly ordinals: BigInt64Array;
}

/** What a portion carries besides its rows. */
export type Baggage = Pick<Portion, "ordinals" | "deletes" | "locate">;

/** Rows that are there as columns, and perhaps as objects too. */
export function portionOfBatch(batch: Batch, rows?: readonly object[]): Portion {
  return {
    length: batch.length,
    batch: () => batch,
    rows: once(() => rows ?? rowsOf(batch)),
    given: rows !== undefined,
  };
}

/** Rows that are there as objects; `toBatch` makes columns of them. */
export function portionOfRows(
  rows: readonly object[],
  toBatch: (rows: readonly object[]) => Batch,
  { ordinals, deletes, locate }: Baggage,
): Portion {
  return {
    length: rows.length,
    batch: once(() => toBatch(rows)),
    rows: () => rows,
    given: true,
    ordinals,
    deletes,
    locate,
  };
}

/** The rows named by `indexes`; deletes stay. */
export function takePortion(portion: Portion, indexes: Int32Array): Portion {
  if (indexes.length === portion.length) return portion;
  const { ordinals, locate } = portion;
  return {
    ...portion,
    length: indexes.length,
    batch: once(() => takeBatch(portion.batch(), indexes)),
    rows: once(() => {
      const rows = portion.rows();
      return Array.from(indexes, (index) => rows[index]!);
    }),
    ordinals: ordinals && takeOrdinals(ordinals, indexes),
    locate: locate && ((row) => locate(indexes[row]!)),
  };
}

/** Other columns of the same rows. */
export function changePortion(
  portion: Portion,
  changeRow: (row: Record<string, unknown>, index: number, batch: Batch) => object,
  change: (batch: Batch) => Batch,
): Portion {
  const batch = once(() => change(portion.batch()));
  return {
    ...portion,
    batch,
    rows: once(() =>
      portion.given
        ? portion.rows().map((row, i) => changeRow(row as Record<string, unknown>, i, batch()))
        : rowsOf(batch()),
    ),
  };
}

/** The positions named by `indexes`. */
export function takeOrdinals(ordinals: BigInt64Array, indexes: ArrayLike<number>): BigInt64Array {
  const taken = new BigInt64Array(indexes.length);
  for (let i = 0; i < taken.length; i++) taken[i] = ordinals[indexes[i]!]!;
  return taken;
}

function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}
