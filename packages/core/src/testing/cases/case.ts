import { batchOf, type SuiteCase } from "../suite.ts";
import type { Batch } from "../../columns/batch.ts";
import type { ColumnType } from "../../schema/types.ts";
import { AlluviumError, type ErrorCode } from "../../errors.ts";
import type { Rows, SuiteDestination } from "../suite-session.ts";

/** Makes a case of what is to be done with a new, empty place. */
export type One = (name: string, run: (target: SuiteDestination) => Promise<void>) => SuiteCase;

export const int64: ColumnType = { kind: "int64" };
export const int32: ColumnType = { kind: "int32" };
export const float64: ColumnType = { kind: "float64" };
export const string: ColumnType = { kind: "string" };
export const boolean: ColumnType = { kind: "boolean" };

/** A batch of one column `id`. */
export function ids(...values: bigint[]): Batch {
  return batchOf({ id: [int64, values] });
}

/** The rows of {@link ids}. */
export function rowsOfIds(...values: bigint[]): Rows {
  return values.map((id) => ({ id }));
}

/** Whether an error has a code, for `rejects`. */
export function hasCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => AlluviumError.is(error) && error.code === code;
}
