import { AlluviumError } from "@alluvium/core";
import { snappyDecompress } from "@alluvium/core/parquet";
import zlib from "node:zlib";
import { damaged } from "./cursor.ts";

/** Unpacks the bytes of a block. */
export type Unpack = (bytes: Uint8Array) => Promise<Uint8Array>;

/** Blocks do not unpack to more than this: a few bytes must not take all memory. */
const MOST = 1 << 30;

/** How blocks of a codec are unpacked. Source: https://avro.apache.org/docs/1.12.0/specification/#required-codecs */
export function unpackOf(codec: string, path: string): Unpack {
  const options = { maxOutputLength: MOST };
  switch (codec) {
    case "null":
      return (bytes) => Promise.resolve(bytes);
    case "deflate":
      return (bytes) => threaded("deflate", (done) => zlib.inflateRaw(bytes, options, done));
    case "zstandard":
      return (bytes) => threaded("zstandard", (done) => zlib.zstdDecompress(bytes, options, done));
    case "snappy":
      return async (bytes) => unpackSnappy(bytes);
    default:
      throw new AlluviumError(
        "ALV_UNSUPPORTED",
        `${path}: the Avro codec ${codec} cannot be read; write the file with deflate, snappy, zstandard or none`,
        { step: "read" },
      );
  }
}

function threaded(
  codec: string,
  start: (done: (error: Error | null, result: Buffer) => void) => void,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error === null) resolve(result);
      else reject(damaged(`its ${codec} data cannot be unpacked: ${error.message}`));
    });
  });
}

/** A Snappy block, then the checksum of what it unpacks to, highest byte first. */
function unpackSnappy(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 4;
  if (end < 1) throw damaged("its snappy data is cut off");
  let size = 0;
  for (let at = 0, scale = 1; at < Math.min(end, 5); at++, scale *= 128) {
    size += (bytes[at]! & 127) * scale;
    if (bytes[at]! < 128) break;
  }
  if (size > MOST) throw damaged(`its snappy data is said to unpack to ${size} bytes`);
  const out = snappyDecompress(bytes.subarray(0, end), size);
  const { buffer, byteOffset } = bytes;
  if (zlib.crc32(out) !== new DataView(buffer, byteOffset).getUint32(end))
    throw damaged("its bytes do not have the checksum that stands after them");
  return out;
}
