import { AlluviumError, type Json } from "@alluvium/core";

/** How far a file has been read: whole row groups, and rows of the next one. */
export type ParquetPosition = { readonly group: number; readonly row: number };

/** The position that an item of the file told; its start where there is none. */
export function decodePosition(since: Json | undefined, path: string): ParquetPosition {
  if (since === undefined) return { group: 0, row: 0 };
  const { group, row } = since as { readonly group?: unknown; readonly row?: unknown };
  if (!isCount(group) || !isCount(row))
    throw new AlluviumError(
      "ALV_STATE_MISMATCH",
      `${path}: ${JSON.stringify(since)} is no position in a Parquet file. Was the table read in another format before? Refresh it`,
      { step: "read" },
    );
  return { group, row };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
