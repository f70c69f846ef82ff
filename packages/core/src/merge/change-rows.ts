import { bitAt } from "../columns/bitmap.ts";
import { columnOf, type Batch, type Changes } from "../columns/batch.ts";
import { takeVector } from "../columns/take.ts";
import { isValid, type Vector } from "../columns/vector.ts";
import type { MergeOptions } from "../disposition.ts";
import { AlluviumError } from "../errors.ts";

/**
 * What a fold needs of some rows: their keys and what kind of change each is. The other columns need not be in memory; rows are referred to
 * by their position among all that were added.
 */
export interface ChangeRows {
  /** Number of rows. */
  readonly length: number;
  /** The key columns. */
  readonly keys: readonly Vector[];
  /** `ops` and `ordinals` as in a batch; absent: inserts, in the order of writing. */
  readonly changes?: Pick<Changes, "ops" | "ordinals"> | undefined;
  /** The old keys of rows that moved, null elsewhere. */
  readonly oldKeys?: readonly Vector[] | undefined;
  /** Bitmap of rows with cells that the source did not send. */
  readonly partial?: Uint8Array | undefined;
  /** The order column. */
  readonly order?: Vector | undefined;
  /** Bitmap of rows whose value of the order column was not sent. */
  readonly orderUnsent?: Uint8Array | undefined;
  /** The delete flag. A row where it was not sent is no delete. */
  readonly deleteFlag?: Vector | undefined;
  /** Bitmap of rows whose delete flag was not sent. */
  readonly flagUnsent?: Uint8Array | undefined;
  /** `scd2`: the column that says when versions begin; null where it was not sent. */
  readonly boundary?: Vector | undefined;
  /** The merge key, where it is another than the key. */
  readonly mergeKey?: readonly Vector[] | undefined;
  /**
   * Number of the stretch between two sealed marks in which the rows were written: ordinals count within a stretch, and what was written before
   * a sealed mark comes before what was written after it. Never less than that of rows added before. @default 0
   */
  readonly stretch?: number | undefined;
}

/** By which columns a merge knows its rows. */
export interface MergeColumns {
  readonly primaryKey: readonly string[];
  readonly merge?: Pick<MergeOptions, "orderBy" | "deleteFlag" | "mergeKey" | "validity"> | undefined;
}

/**
 * What a fold needs of a batch, which has the table's columns (`conformBatch`), or at least the ones named and all that `unchanged` speaks of.
 * Throws `ALV_INTERNAL` where a named column is missing.
 */
export function changeRows(batch: Batch, { primaryKey, merge }: MergeColumns, stretch = 0): ChangeRows {
  const { changes, length } = batch;
  const pick = (from: Batch, name: string): Vector => {
    const column = columnOf(from, name);
    if (column !== undefined) return column;
    throw new AlluviumError(
      "ALV_INTERNAL",
      `a batch that is merged lacks the column ${JSON.stringify(name)}`,
    );
  };
  const unsent = (name: string): Uint8Array | undefined =>
    changes?.unchanged?.[batch.schema.fields.findIndex((field) => field.name === name)];
  const { orderBy, deleteFlag, mergeKey, validity } = merge ?? {};
  const boundary =
    validity?.boundary !== undefined && "column" in validity.boundary ? validity.boundary.column : undefined;
  return {
    length,
    keys: primaryKey.map((name) => pick(batch, name)),
    changes,
    oldKeys: changes?.oldKeys && primaryKey.map((name) => pick(changes.oldKeys!, name)),
    partial: anyOf(changes?.unchanged, length),
    stretch,
    ...(orderBy !== undefined && { order: pick(batch, orderBy), orderUnsent: unsent(orderBy) }),
    ...(deleteFlag !== undefined && { deleteFlag: pick(batch, deleteFlag), flagUnsent: unsent(deleteFlag) }),
    ...(boundary !== undefined && { boundary: sentOnly(pick(batch, boundary), unsent(boundary)) }),
    ...(mergeKey !== undefined && { mergeKey: mergeKey.map((name) => pick(batch, name)) }),
  };
}

/** A column with null where its cells were not sent. */
function sentOnly(column: Vector, unsent: Uint8Array | undefined): Vector {
  if (unsent === undefined) return column;
  return takeVector(
    column,
    Int32Array.from({ length: column.length }, (_, row) => (bitAt(unsent, row) ? -1 : row)),
  );
}

function anyOf(bitmaps: Changes["unchanged"], length: number): Uint8Array | undefined {
  const given = bitmaps?.filter((bits) => bits !== undefined) ?? [];
  if (given.length < 2) return given[0];
  const any = new Uint8Array((length + 7) >> 3);
  for (const bits of given) for (let i = 0; i < any.length; i++) any[i]! |= bits[i]!;
  return any;
}

/** The kinds of changes that a fold tells apart: the codes of `ChangeOp`, and marks upon them. */
export const ChangeKind = {
  insert: 0,
  update: 1,
  delete: 2,
  truncate: 3,
  /** Of the code: which of the kinds above. */
  mask: 3,
  /** Some cells were not sent. */
  partial: 4,
  /** The key moved. */
  moved: 8,
  /** The value of the order column was not sent. */
  orderUnsent: 16,
  /** A delete by flag: its row is whole. */
  flagged: 32,
} as const;

/** The kind of each row, written to `kinds` from `start`. */
export function kindsOf(rows: ChangeRows, kinds: Uint8Array, start: number): void {
  const { length, changes, partial, orderUnsent, deleteFlag, flagUnsent, oldKeys } = rows;
  if (changes === undefined) kinds.fill(ChangeKind.insert, start, start + length);
  else kinds.set(changes.ops.subarray(0, length), start);
  if (deleteFlag !== undefined && deleteFlag.nullCount < length) {
    const flag = flagReader(deleteFlag);
    for (let i = 0; i < length; i++)
      if (kinds[start + i]! < ChangeKind.delete && flag(i) && !isSet(flagUnsent, i))
        kinds[start + i] = ChangeKind.delete | ChangeKind.flagged;
  }
  if (partial !== undefined)
    for (let i = 0; i < length; i++)
      if ((kinds[start + i]! & ChangeKind.mask) < ChangeKind.delete && bitAt(partial, i))
        kinds[start + i]! |= ChangeKind.partial | (isSet(orderUnsent, i) ? ChangeKind.orderUnsent : 0);
  const [oldKey] = oldKeys ?? [];
  if (oldKey !== undefined && oldKey.nullCount < length)
    for (let i = 0; i < length; i++)
      if (isValid(oldKey, i) && (kinds[start + i]! & ChangeKind.mask) !== ChangeKind.truncate)
        kinds[start + i]! |= ChangeKind.moved;
}

function isSet(bits: Uint8Array | undefined, row: number): boolean {
  return bits !== undefined && bitAt(bits, row);
}

function flagReader(vector: Vector): (row: number) => boolean {
  if (vector.layout === "boolean") return (row) => isValid(vector, row) && bitAt(vector.values, row);
  if (vector.layout === "null") return () => false;
  if (vector.layout === "dictionary") {
    const read = flagReader(vector.dictionary);
    return (row) => isValid(vector, row) && read(vector.codes[row]!);
  }
  throw new AlluviumError(
    "ALV_CONFIG",
    `deleteFlag names a column of type ${vector.type.kind}; it must be a boolean one`,
  );
}
