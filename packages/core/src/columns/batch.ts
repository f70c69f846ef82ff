import type { Schema } from "../schema/types.ts";
import type { Vector } from "./vector.ts";

/**
 * Some rows of one table, by columns: `columns[i]` belongs to `schema.fields[i]` and has `length` rows.
 * A batch is immutable once it is handed on. Sources aim at 1–4 MiB a batch and never exceed what the run's budget allows.
 */
export interface Batch {
  /** What the columns are. */
  readonly schema: Schema;
  /** Number of rows. */
  readonly length: number;
  /** A vector for each field of the schema. */
  readonly columns: readonly Vector[];
  /** Present in a batch of changes; absent: every row is an insert. */
  readonly changes?: Changes | undefined;
}

/** What a batch of changes adds per row. */
export interface Changes {
  /** One {@link ChangeOp} a row. */
  readonly ops: Uint8Array;
  /**
   * Position of each change; changes of a key take effect in this order. They count within the stretch between two sealed marks of the
   * stream: a read that is repeated from there may count from 0 again.
   */
  readonly ordinals: BigInt64Array;
  /** For an update that moved its key: the old key, one row per row of the batch, null elsewhere. */
  readonly oldKeys?: Batch | undefined;
  /**
   * Per column a bitmap (least significant bit first) of cells that the source did not send because they did not change;
   * such a cell is neither null nor absent. `undefined`: all sent. In a batch that a destination is given, columns that the
   * table has besides were not sent either where this is present.
   */
  readonly unchanged?: readonly (Uint8Array | undefined)[] | undefined;
}

/** The codes in {@link Changes.ops}. */
export const ChangeOp = { insert: 0, update: 1, delete: 2, truncate: 3 } as const;
/** One of the codes in {@link Changes.ops}. */
export type ChangeOp = (typeof ChangeOp)[keyof typeof ChangeOp];

/** The column of a name; `undefined` where the batch lacks it. */
export function columnOf({ schema, columns }: Batch, name: string): Vector | undefined {
  return columns[schema.fields.findIndex((field) => field.name === name)];
}
