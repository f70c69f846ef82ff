import type { ColumnType } from "@alluvium/core";
import { createBuilder, putScalar } from "@alluvium/core/columns";
import { textAt } from "../cells.ts";
import type { CellReader, OnMisfit } from "./cell-reader.ts";

/** Any scalar type, each cell by its text: for types that are rare, or wide. */
export function scalarReader(type: ColumnType, onMisfit: OnMisfit): CellReader {
  const builder = createBuilder(type, 1024);
  return {
    builder,
    read(cells, column) {
      const { starts, ends, rows, stride } = cells;
      builder.reserve(rows);
      for (let at = column * stride, stop = at + rows; at < stop; at++) {
        const text = textAt(cells, starts[at]!, ends[at]!);
        const scalar = text === null ? undefined : onMisfit(text, builder.length, at - column * stride);
        if (scalar === undefined) builder.setNull();
        else putScalar(builder, scalar);
      }
    },
  };
}
