import type { ColumnType } from "@alluvium/core";
import { BooleanBuilder, FixedBuilder } from "@alluvium/core/columns";
import { appendWords, checkFirst, markNull, type ColumnReader } from "./block.ts";

// Formats: the `…send` functions of the server's types. Integers and floats are big endian, `bool` is one byte, `oid` is unsigned.

/** `bool`. */
export function booleanReader(): ColumnReader {
  const builder = new BooleanBuilder({ kind: "boolean" }, 1024);
  return {
    builder,
    read(block, column) {
      checkFirst(block, column, 1);
      const { bytes, starts, rows, stride } = block;
      builder.reserve(rows);
      const { values } = builder;
      let row = builder.length;
      for (let at = column * stride, end = at + rows; at < end; at++, row++) {
        const start = starts[at]!;
        if (start < 0) markNull(builder, row);
        else if (bytes[start] !== 0) values[row >> 3]! |= 1 << (row & 7);
      }
      builder.length = row;
    },
  };
}

/** `int2`. */
export function int16Reader(): ColumnReader {
  const builder = new FixedBuilder({ kind: "int16" }, 1024);
  return {
    builder,
    read(block, column) {
      checkFirst(block, column, 2);
      const { view, starts, rows, stride } = block;
      builder.reserve(rows);
      const values = builder.values as Int16Array;
      let row = builder.length;
      for (let at = column * stride, end = at + rows; at < end; at++, row++) {
        const start = starts[at]!;
        if (start < 0) markNull(builder, row);
        else values[row] = view.getInt16(start);
      }
      builder.length = row;
    },
  };
}

/** `int4` and `float4`: 32 bits are 32 bits. */
export function word32Reader(type: ColumnType): ColumnReader {
  const builder = new FixedBuilder(type, 1024);
  return {
    builder,
    read(block, column) {
      checkFirst(block, column, 4);
      appendWords(block, column, builder, block.memory.kernel.words32);
    },
  };
}

/** `int8` and `float8`: 64 bits are 64 bits. */
export function word64Reader(type: ColumnType): ColumnReader {
  const builder = new FixedBuilder(type, 1024);
  return {
    builder,
    read(block, column) {
      checkFirst(block, column, 8);
      appendWords(block, column, builder, block.memory.kernel.words64);
    },
  };
}

/** `oid`, unsigned 32 bits, as int64. */
export function oidReader(): ColumnReader {
  const builder = new FixedBuilder({ kind: "int64" }, 1024);
  return {
    builder,
    read(block, column) {
      checkFirst(block, column, 4);
      const { view, starts, rows, stride } = block;
      builder.reserve(rows);
      const { words } = builder;
      let row = builder.length;
      for (let at = column * stride, end = at + rows; at < end; at++, row++) {
        const start = starts[at]!;
        if (start < 0) markNull(builder, row);
        else {
          words[2 * row] = view.getInt32(start);
          words[2 * row + 1] = 0;
        }
      }
      builder.length = row;
    },
  };
}

/** `uuid`: 16 bytes. */
export function uuidReader(): ColumnReader {
  const builder = new FixedBuilder({ kind: "uuid" }, 1024);
  return {
    builder,
    read(block, column) {
      checkFirst(block, column, 16);
      const { view, starts, rows, stride } = block;
      builder.reserve(rows);
      const { words } = builder;
      let row = builder.length;
      for (let at = column * stride, end = at + rows; at < end; at++, row++) {
        const start = starts[at]!;
        if (start < 0) {
          markNull(builder, row);
          continue;
        }
        // The bytes keep their order: both sides are read as little endian.
        for (let word = 0; word < 4; word++) words[4 * row + word] = view.getInt32(start + 4 * word, true);
      }
      builder.length = row;
    },
  };
}
