import type { ColumnType } from "@alluvium/core";
import { BytesBuilder } from "@alluvium/core/columns";
import { malformed, markNull, type ColumnReader } from "./block.ts";

/** From this length on a native copy is faster than words by hand. */
const LONG = 96;

/**
 * Texts and bytes, moved as they are: the server sends text in the client's encoding, which is pinned to UTF-8. `skip` leading bytes are
 * left out (`jsonb` begins with a version byte, 1).
 */
export function bytesReader(type: ColumnType, skip: number = 0): ColumnReader {
  const builder = new BytesBuilder(type, 1024);
  return {
    builder,
    read({ bytes, view, starts, rows, columns }, column) {
      builder.reserve(rows);
      const { offsets, length: first } = builder;
      const end = rows * columns;
      // Ends first: they say how much room the block needs, however large one value is.
      let row = first;
      let total = offsets[first]!;
      for (let at = column; at < end; at += columns) {
        const start = starts[at]!;
        if (start < 0) markNull(builder, row);
        else {
          if (skip !== 0 && bytes[start] !== 1)
            throw malformed(`a jsonb value of version ${bytes[start]}; versions other than 1 are not known`);
          total += view.getInt32(start - 4) - skip;
        }
        offsets[++row] = total;
      }
      builder.reserveBytes(total - builder.dataLength);
      const { data } = builder;
      const target = new DataView(data.buffer);
      row = first;
      let to = builder.dataLength;
      for (let at = column; at < end; at += columns, row++) {
        const next = offsets[row + 1]!;
        const size = next - to;
        const from = starts[at]! + skip;
        if (size === 1) data[to] = bytes[from]!;
        else if (size < 4) for (let i = 0; i < size; i++) data[to + i] = bytes[from + i]!;
        else if (size < LONG) {
          // Words, and a last one that may overlap the one before.
          const last = size - 4;
          for (let i = 0; i < last; i += 4) target.setInt32(to + i, view.getInt32(from + i, true), true);
          target.setInt32(to + last, view.getInt32(from + last, true), true);
        } else data.set(bytes.subarray(from, from + size), to);
        to = next;
      }
      builder.dataLength = to;
      builder.length = row;
    },
  };
}
