import { putScalar, type Builder, type Scalar } from "@alluvium/core/columns";
import { textAt, type Cells } from "../cells.ts";

/** Turns the cells of one column into rows. */
export interface RowsReader {
  /** What takes the rows. */
  readonly builder: Pick<Builder, "byteLength" | "finish" | "recycle">;
  /** Appends a row per row of `cells`. */
  read(cells: Cells, column: number): void;
}

/** Turns the cells of one column into rows of a builder. */
export interface CellReader extends RowsReader {
  readonly builder: Builder;
}

/**
 * Called with a text that is none of the column's type in the form that is read at once: gives what is stored, or `undefined` for null in its place.
 * `row` is its row in the builder, `cell` that among the cells.
 */
export type OnMisfit = (text: string, row: number, cell: number) => Scalar | undefined;

/** Notes that row `row` is null: for loops that write past `builder.length` and set it at their end. */
export function markNull(builder: Builder, row: number): void {
  builder.validity[row >> 3]! &= ~(1 << (row & 7));
  builder.nullCount += 1;
}

/** Stores what becomes of a text that did not fit as row `row`, for which there is room. */
export function putMisfit(
  builder: Builder,
  row: number,
  cells: Cells,
  column: number,
  at: number,
  onMisfit: OnMisfit,
): void {
  const text = textAt(cells, cells.starts[at]!, cells.ends[at]!)!;
  const scalar = onMisfit(text, row, at - column * cells.stride);
  if (scalar === undefined) {
    markNull(builder, row);
    return;
  }
  builder.length = row;
  putScalar(builder, scalar);
}
