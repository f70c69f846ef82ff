import { AlluviumError } from "@alluvium/core";
import type { CellContext } from "./cell.ts";

/** The error for a value that PostgreSQL has no place for. */
export function refuseValue(
  { table, column }: CellContext,
  row: number,
  value: string,
  range: string,
): AlluviumError {
  return new AlluviumError(
    "ALV_VALUE_UNREPRESENTABLE",
    `table "${table}", column "${column}": ${value} in row ${row + 1} of its batch cannot be stored in PostgreSQL (${range}): map it, or load the column as text or bytes`,
    { resource: table, step: "write" },
  );
}
