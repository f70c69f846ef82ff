import { Buffer } from "node:buffer";

/**
 * Memory for the bodies of pages, used again once a body is compressed, and once what became of it is written: new arrays for each would
 * make the collector run over and over. All encoders share it.
 */

/** Most bytes to keep for later: what a row group frees when it is written, and a little more. */
const KEPT = 24 << 20;
const GRAIN = 1 << 14;

const free: Uint8Array[] = [];
let kept = 0;
const lent = new WeakSet<ArrayBufferLike>();

/** `size` bytes with anything in them. */
export function takeBody(size: number): Uint8Array {
  let best = -1;
  for (let i = 0; i < free.length; i++) {
    const { length } = free[i]!;
    if (length >= size && length <= 1.5 * size + GRAIN && (best < 0 || length < free[best]!.length)) best = i;
  }
  let array: Uint8Array;
  if (best < 0) array = Buffer.allocUnsafeSlow((size + GRAIN - 1) & -GRAIN);
  else {
    array = free[best]!;
    free[best] = free.at(-1)!;
    free.pop();
    kept -= array.length;
  }
  lent.add(array.buffer);
  return array.subarray(0, size);
}

/** `size` bytes for a compressed body, which waits for its row group: small ones get no more than they need. */
export function takeStored(size: number): Uint8Array {
  return size < GRAIN / 2 ? Buffer.allocUnsafeSlow(size) : takeBody(size);
}

/** `source[0, end)` as a body. */
export function bodyOf(source: Uint8Array, end: number): Uint8Array {
  const body = takeBody(end);
  body.set(source.subarray(0, end));
  return body;
}

/** Takes a body back when nobody reads it any more. Arrays that are not from here are left alone. */
export function giveBody(body: Uint8Array): void {
  const { buffer } = body;
  if (!lent.delete(buffer) || kept + buffer.byteLength > KEPT) return;
  kept += buffer.byteLength;
  free.push(Buffer.from(buffer));
}
