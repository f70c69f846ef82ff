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
    read({ bytes, view, starts, rows, stride }, column) {
      builder.reserve(rows);
      const { offsets } = builder;
      let row = builder.length;
      let to = builder.dataLength;
      let { data } = builder;
      let target = new DataView(data.buffer);
      for (let at = column * stride, end = at + rows; at < end; at++) {
        const start = starts[at]!;
        if (start < 0) {
          markNull(builder, row);
          offsets[++row] = to;
          continue;
        }
        if (skip !== 0 && bytes[start] !== 1)
          throw malformed(`a jsonb value of version ${bytes[start]}; versions other than 1 are not known`);
        const size = view.getInt32(start - 4) - skip;
        const from = start + skip;
        if (to + size > data.length) {
          builder.dataLength = to;
          builder.reserveBytes(size);
          ({ data } = builder);
          target = new DataView(data.buffer);
        }
        if (size === 1) data[to] = bytes[from]!;
        else if (size < 4) for (let i = 0; i < size; i++) data[to + i] = bytes[from + i]!;
        else if (size < LONG) {
          // Words, and a last one that may overlap the one before.
          const last = size - 4;
          for (let i = 0; i < last; i += 4) target.setInt32(to + i, view.getInt32(from + i, true), true);
          target.setInt32(to + last, view.getInt32(from + last, true), true);
        } else data.set(bytes.subarray(from, from + size), to);
        to += size;
        offsets[++row] = to;
      }
      builder.dataLength = to;
      builder.length = row;
    },
  };
}
