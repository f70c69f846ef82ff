import type { ColumnType } from "@alluvium/core";
import { BytesBuilder } from "@alluvium/core/columns";
import { malformed, markNull, type Block, type ColumnReader } from "./block.ts";
import { blockRows } from "./memory.ts";

/**
 * Texts and bytes, moved as they are: the server sends text in the client's encoding, which is pinned to UTF-8. `skip` leading bytes are
 * left out (`jsonb` begins with a version byte, 1).
 */
export function bytesReader(type: ColumnType, skip: 0 | 1 = 0): ColumnReader {
  const builder = new BytesBuilder(type, 1024);
  return {
    builder,
    read(block, column) {
      if (skip === 1) checkVersions(block, column);
      const { memory, view, rows } = block;
      builder.reserve(rows);
      for (let done = 0; done < rows; done += blockRows) {
        const count = Math.min(blockRows, rows - done);
        const starts = memory.startsOf(block, column, done, count);
        const first = builder.length;
        let nulls = 0;
        for (let row = 0; row < count;) {
          const {
            next,
            data,
            offsets,
            nulls: more,
          } = memory.gather(starts, row, count, skip, builder.dataLength);
          nulls += more;
          if (next > row) {
            append(builder, data);
            builder.offsets.set(offsets, first + row + 1);
            row = next;
            continue;
          }
          // One that is larger than the room for gathering goes straight to its column.
          const start = memory.words[(starts >> 2) + row]!;
          append(builder, block.bytes.subarray(start + skip, start + view.getInt32(start - 4)));
          builder.offsets[first + ++row] = builder.dataLength;
        }
        if (nulls > 0)
          for (let row = 0; row < count; row++)
            if (memory.words[(starts >> 2) + row]! < 0) markNull(builder, first + row);
        builder.length = first + count;
      }
    },
  };
}

function append(builder: BytesBuilder, data: Uint8Array): void {
  builder.reserveBytes(data.length);
  builder.data.set(data, builder.dataLength);
  builder.dataLength += data.length;
}

function checkVersions({ bytes, view, starts, rows, stride }: Block, column: number): void {
  for (let at = column * stride, end = at + rows; at < end; at++) {
    const start = starts[at]!;
    if (start < 0) continue;
    const version = view.getInt32(start - 4) < 1 ? undefined : bytes[start];
    if (version !== 1)
      throw malformed(`a jsonb value of version ${version}; versions other than 1 are not known`);
  }
}
