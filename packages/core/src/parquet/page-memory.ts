import { Buffer } from "node:buffer";

/**
 * Memory for the bodies of pages, used again once a body is compressed, and once what became of it is written: new arrays for each would
 * make the collector run over and over. All encoders share it.
 */

/**
 * Most bytes to keep for later: what a row group frees when it is written, and what those that are read free meanwhile. With less a load of Parquet
 * files made half as much again of new arrays, and the collector ran twice as often.
 */
const KEPT = 64 << 20;
const GRAIN = 1 << 14;
/** What nobody asked for in so many milliseconds goes: a service does not load all the time. */
const IDLE = 10_000;

let free: Uint8Array[] = [];
let kept = 0;
let asked = false;
let idle: NodeJS.Timeout | undefined;
const lent = new WeakSet<ArrayBufferLike>();

/** Gives `size` bytes with anything in them, at a place for values of eight bytes. */
export type TakeMemory = (size: number) => Uint8Array;

/** Memory of its own, which nobody takes back. */
export const takeOwn: TakeMemory = (size) => new Uint8Array(size);

/** `count` integers with anything in them. */
export function takeInts(take: TakeMemory, count: number): Int32Array {
  const { buffer, byteOffset } = take(4 * count);
  return new Int32Array(buffer, byteOffset, count);
}

/** `size` bytes with anything in them. */
export function takeBody(size: number): Uint8Array {
  asked = true;
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
  idle ??= setInterval(dropIdle, IDLE).unref();
}

function dropIdle(): void {
  if (asked) {
    asked = false;
    return;
  }
  clearInterval(idle);
  idle = undefined;
  free = [];
  kept = 0;
}

/** Memory of bodies that is given back at once: that of what belongs together. */
export function lentMemory(): { readonly take: TakeMemory; readonly giveBack: () => void } {
  let bodies: Uint8Array[] = [];
  return {
    take(size) {
      if (size < GRAIN / 2) return new Uint8Array(size);
      const body = takeBody(size);
      bodies.push(body);
      // No Buffer, whose slices are no copies.
      return new Uint8Array(body.buffer, 0, size);
    },
    giveBack() {
      bodies.forEach(giveBody);
      bodies = [];
    },
  };
}
