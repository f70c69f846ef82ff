import type { ErrorCode } from "./errors.ts";
import type { Json } from "./state/json.ts";

/**
 * A row that was refused: by its schema, by the columns of its table, or by a rule. It travels with its stream, so that marks, rollbacks and
 * commits cut it where they cut the stream's rows; whether it is kept in the table's quarantine, left out or ends the run is the contract's.
 */
export interface RefusedRow {
  /** Where: when it was read, before all transforms, or when it was written, after them. It is tried again from there. */
  readonly stage: "read" | "write";
  /** What kind of problem it is. */
  readonly reason: ErrorCode;
  /** What refused it: `schema`, `column`, `type`, `notNull`, `key`, or the name of a check. */
  readonly rule: string;
  /** The column that it is about, as the source names it (`address.zip` for a member); absent: the row as a whole. */
  readonly column?: string | undefined;
  /** What is wrong, for people. */
  readonly message: string;
  /**
   * The row as it was then, as JSON text: bigints and decimals as numbers with all their digits, NaN and the infinities as text, dates and times as
   * ISO text, bytes as hexadecimal text, Maps as lists of pairs, Sets as lists. `types` says which is which.
   */
  readonly row: string;
  /**
   * What JSON does not tell. Of a row that was read, by JSON Pointer: `date`, `bigint`, `bytes`, `map`, `set`, `number` (NaN and the infinities),
   * `undefined`. Of one that was written, by column: its type, as schemas are stored. @default nothing but what JSON has
   */
  readonly types?: Json | undefined;
  /** What the row is, where it is no new one: the change of one that is there. @default an insert */
  readonly operation?: "update" | "move" | "delete" | undefined;
  /** The values of its key columns by name, where it has any; integers beyond 2^53 as text. */
  readonly key?: Json | undefined;
  /** Where it stood at the source: `{ row: 17 }` (counted from 1 within the read), `{ file, line }`, `{ cursor }`. */
  readonly position?: Json | undefined;
}
