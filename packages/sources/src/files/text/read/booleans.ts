import { BooleanBuilder } from "@alluvium/core/columns";
import { Form } from "../cells.ts";
import { markNull, putMisfit, type CellReader, type OnMisfit } from "./cell-reader.ts";

// "true" and "alse", the lowest byte first.
const TRUE = 0x65757274;
const ALSE = 0x65736c61;

/** `boolean`: `true` and `false`; all else is a misfit. */
export function booleanReader(onMisfit: OnMisfit): CellReader {
  const builder = new BooleanBuilder({ kind: "boolean" }, 1024);
  return {
    builder,
    read(cells, column) {
      const { bytes, starts, ends, rows, stride } = cells;
      builder.reserve(rows);
      const { values } = builder;
      let row = builder.length;
      for (let at = column * stride, stop = at + rows; at < stop; at++, row++) {
        const packed = starts[at]!;
        if ((packed & 3) === Form.null) {
          markNull(builder, row);
          continue;
        }
        const start = packed >> 2;
        const size = ends[at]! - start;
        if (size === 4 && bytes.readInt32LE(start) === TRUE) values[row >> 3]! |= 1 << (row & 7);
        else if (!(size === 5 && bytes[start] === 102 && bytes.readInt32LE(start + 1) === ALSE))
          putMisfit(builder, row, cells, column, at, onMisfit);
      }
      builder.length = row;
    },
  };
}
