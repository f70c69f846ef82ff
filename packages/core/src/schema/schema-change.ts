import type { ColumnType } from "./types.ts";

/** One difference between a table as committed and as it becomes. */
export type SchemaChange =
  | { readonly kind: "tableCreated" }
  | { readonly kind: "columnAdded"; readonly column: string; readonly type: ColumnType }
  | { readonly kind: "columnBound"; readonly column: string; readonly type: ColumnType }
  | {
      readonly kind: "columnWidened";
      readonly column: string;
      readonly from: ColumnType;
      readonly to: ColumnType;
    }
  | {
      /** Values of `column` that its type cannot hold are in the new column `variant` from now on. */
      readonly kind: "variantAdded";
      readonly column: string;
      readonly variant: string;
      readonly type: ColumnType;
    }
  | { readonly kind: "columnMissing"; readonly column: string }
  /** What happens to the rows from now on; those that are there stay as they are. */
  | { readonly kind: "dispositionChanged"; readonly from: string; readonly to: string };
