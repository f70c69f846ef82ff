import { unpackBits } from "./bitpack.ts";
import { invalid } from "./invalid.ts";

/** Reads `count` values of the RLE / bit-packing hybrid from `bytes[start, end)`; returns the position after the runs that hold them. */
export function readHybrid(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  out: Int32Array | Uint8Array,
  count: number,
): number {
  const valueBytes = (width + 7) >> 3;
  let at = start;
  let done = 0;
  while (done < count) {
    let header = 0;
    for (let shift = 1; ; shift *= 128) {
      if (at >= end || shift > 2 ** 35) throw invalid("a run of levels or indexes is cut off");
      const byte = bytes[at++]!;
      header += (byte & 127) * shift;
      if (byte < 128) break;
    }
    if (header % 2 === 1) {
      const groups = (header - 1) / 2;
      const values = Math.min(groups * 8, count - done);
      // Some writers leave out the padding of the last group.
      if (at + Math.ceil((values * width) / 8) > end) throw invalid("a packed run is cut off");
      unpackBits(bytes, at, width, out, done, values);
      at = Math.min(end, at + groups * width);
      done += values;
    } else {
      const run = Math.min(header / 2, count - done);
      if (at + valueBytes > end) throw invalid("a run of levels or indexes is cut off");
      let value = 0;
      for (let i = 0; i < valueBytes; i++) value |= bytes[at++]! << (8 * i);
      out.fill(value, done, done + run);
      done += run;
    }
  }
  return at;
}
