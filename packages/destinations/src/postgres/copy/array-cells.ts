import type { ListVector } from "@alluvium/core/columns";
import { cellSize, elementOid, writeCell, type CellContext, type CellWriter } from "./cell.ts";

/** Dimensions, whether nulls may occur, type of the elements, length of the one dimension, its first index. */
const HEADER = 20;
const EMPTY_HEADER = 12;

/** Lists as arrays of one dimension (array_recv in src/backend/utils/adt/arrayfuncs.c); an empty list is an array of none. */
export function arrayCells(vector: ListVector, element: CellWriter, context: CellContext): CellWriter {
  const { offsets, child, type } = vector;
  const oid = elementOid(type.kind === "list" ? type.element.type : child.type, context.json);
  const { size } = element;
  const hasNulls = child.nullCount > 0 ? 1 : 0;

  return {
    size(row) {
      const [start, end] = [offsets[row]!, offsets[row + 1]!];
      let sum = HEADER + 4 * (end - start);
      if (typeof size === "number") return sum + size * (end - start);
      for (let at = start; at < end; at++) sum += cellSize(element, child, at);
      return sum;
    },
    write(target, row, at) {
      const { view } = target;
      const [start, end] = [offsets[row]!, offsets[row + 1]!];
      const isEmpty = start === end;
      view.setInt32(at, isEmpty ? 0 : 1);
      view.setInt32(at + 4, isEmpty ? 0 : hasNulls);
      view.setInt32(at + 8, oid);
      if (isEmpty) return at + EMPTY_HEADER;
      view.setInt32(at + 12, end - start);
      view.setInt32(at + 16, 1);
      let to = at + HEADER;
      for (let item = start; item < end; item++) to = writeCell(element, child, target, item, to);
      return to;
    },
  };
}
