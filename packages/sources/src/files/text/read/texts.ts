import { BytesBuilder } from "@alluvium/core/columns";
import { Form } from "../cells.ts";
import { markNull, type CellReader } from "./cell-reader.ts";

/** From this length on a native copy is faster than words by hand. */
const LONG = 64;

/** `string`: bytes are moved as they are, which whoever cuts the text has found to be UTF-8. */
export function textReader(): CellReader {
  const builder = new BytesBuilder({ kind: "string" }, 1024);
  return {
    builder,
    read({ bytes, starts, ends, rows, stride, unescape }, column) {
      builder.reserve(rows);
      const { offsets } = builder;
      const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let row = builder.length;
      let to = builder.dataLength;
      let { data } = builder;
      let target = new DataView(data.buffer);
      for (let at = column * stride, stop = at + rows; at < stop; at++) {
        const packed = starts[at]!;
        const form = packed & 3;
        if (form === Form.null) {
          markNull(builder, row);
          offsets[++row] = to;
          continue;
        }
        const from = packed >> 2;
        const size = ends[at]! - from;
        if (to + size > data.length) {
          builder.dataLength = to;
          builder.reserveBytes(size);
          ({ data } = builder);
          target = new DataView(data.buffer);
        }
        if (form === Form.escaped) {
          to = unescape(bytes, from, from + size, data, to);
          offsets[++row] = to;
          continue;
        }
        if (size === 1) data[to] = bytes[from]!;
        else if (size < 4) for (let i = 0; i < size; i++) data[to + i] = bytes[from + i]!;
        else if (size < LONG) {
          // Words, and a last one that may overlap the one before.
          const last = size - 4;
          for (let i = 0; i < last; i += 4) target.setInt32(to + i, source.getInt32(from + i, true), true);
          target.setInt32(to + last, source.getInt32(from + last, true), true);
        } else data.set(bytes.subarray(from, from + size), to);
        to += size;
        offsets[++row] = to;
      }
      builder.dataLength = to;
      builder.length = row;
    },
  };
}
