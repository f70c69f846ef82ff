/**
 * For authors of connectors: cursors over a column, with the boundary rule that keeps an append exact.
 *
 * @module core/cursor
 */
export { openBoundary, type Boundary, type BoundaryOptions } from "./boundary.ts";
export {
  boundaryLimit,
  columnCursorCodec,
  cursorBefore,
  type ColumnCursor,
  type RowHashes,
} from "./column-cursor.ts";
