import { Encoding, PageType } from "./format.ts";
import { ThriftWriter } from "./thrift-writer.ts";

/** The header of a data page (version 1). Sizes are those of the page's body, `crc` that of its stored bytes. */
export function dataPageHeader(
  values: number,
  encoding: number,
  size: number,
  stored: number,
  crc: number | undefined,
): Uint8Array {
  const writer = new ThriftWriter(64).open().i32(1, PageType.data).i32(2, size).i32(3, stored);
  if (crc !== undefined) writer.i32(4, crc | 0);
  writer.open(5).i32(1, values).i32(2, encoding).i32(3, Encoding.rle).i32(4, Encoding.rle).close();
  return writer.close().finish();
}

/** The header of a dictionary page. */
export function dictionaryPageHeader(
  values: number,
  size: number,
  stored: number,
  crc: number | undefined,
): Uint8Array {
  const writer = new ThriftWriter(64).open().i32(1, PageType.dictionary).i32(2, size).i32(3, stored);
  if (crc !== undefined) writer.i32(4, crc | 0);
  writer.open(7).i32(1, values).i32(2, Encoding.plain).close();
  return writer.close().finish();
}
