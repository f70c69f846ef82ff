import type { Vector } from "@alluvium/core/columns";
import { arrayCells } from "./array-cells.ts";
import { bytesCells } from "./bytes-cells.ts";
import type { CellContext, CellWriter } from "./cell.ts";
import { fixedCells } from "./fixed-cells.ts";

/** A {@link CellWriter} for a vector. Its type must be a stored one (see `storedType`). */
export function cellWriter(vector: Vector, context: CellContext): CellWriter {
  switch (vector.layout) {
    case "dictionary": {
      const { codes, dictionary } = vector;
      const { size, write } = cellWriter(dictionary, context);
      return {
        size: typeof size === "number" ? size : (row) => size(codes[row]!),
        write: (target, row, at) => write(target, codes[row]!, at),
      };
    }
    case "bytes":
      return bytesCells(vector, context);
    case "list":
      return arrayCells(vector, cellWriter(vector.child, context), context);
    case "null":
      // Every row is null.
      return { size: 0, write: (_target, _row, at) => at };
    default:
      return fixedCells(vector, context);
  }
}
