/** Called with each number of a bitmap, ascending. */
export type Visit = (value: number) => void;

const COOKIE_WITHOUT_RUNS = 12346;
const COOKIE_WITH_RUNS = 12347;
const NO_OFFSET_THRESHOLD = 4;
const ARRAY_LIMIT = 4096;

/**
 * Reads one 32-bit Roaring bitmap in the standard serialisation at `offset` of `view` and returns where it ends. Throws a
 * `RangeError` where the bytes are none.
 *
 * Source: https://github.com/RoaringBitmap/RoaringFormatSpec
 */
export function readRoaring(view: DataView, offset: number, visit: Visit): number {
  let at = offset;
  const cookie = view.getUint32(at, true);
  at += 4;
  let count: number;
  let runs: Uint8Array | undefined;
  if ((cookie & 0xffff) === COOKIE_WITH_RUNS) {
    count = (cookie >>> 16) + 1;
    const size = (count + 7) >> 3;
    runs = bytesAt(view, at, size);
    at += size;
  } else if (cookie === COOKIE_WITHOUT_RUNS) {
    count = view.getUint32(at, true);
    at += 4;
  } else throw new RangeError(`${cookie} is not the cookie of a Roaring bitmap`);
  if (count > 0x1_0000) throw new RangeError(`a Roaring bitmap has at most 65536 containers, not ${count}`);
  const headers = at;
  at += 4 * count;
  if (runs === undefined || count >= NO_OFFSET_THRESHOLD) at += 4 * count;
  for (let i = 0; i < count; i++) {
    const base = view.getUint16(headers + 4 * i, true) * 0x1_0000;
    const cardinality = view.getUint16(headers + 4 * i + 2, true) + 1;
    const isRun = runs !== undefined && ((runs[i >> 3]! >> (i & 7)) & 1) === 1;
    if (isRun) at = readRuns(view, at, base, visit);
    else if (cardinality <= ARRAY_LIMIT) at = readArray(view, at, base, cardinality, visit);
    else at = readBits(view, at, base, visit);
  }
  return at;
}

function readRuns(view: DataView, offset: number, base: number, visit: Visit): number {
  const count = view.getUint16(offset, true);
  let at = offset + 2;
  for (let i = 0; i < count; i++, at += 4) {
    const start = view.getUint16(at, true);
    const length = view.getUint16(at + 2, true);
    for (let k = 0; k <= length; k++) visit(base + start + k);
  }
  return at;
}

function readArray(view: DataView, offset: number, base: number, count: number, visit: Visit): number {
  for (let i = 0; i < count; i++) visit(base + view.getUint16(offset + 2 * i, true));
  return offset + 2 * count;
}

function readBits(view: DataView, offset: number, base: number, visit: Visit): number {
  for (let byte = 0; byte < 8192; byte++)
    for (let bits = view.getUint8(offset + byte); bits !== 0; bits &= bits - 1)
      visit(base + byte * 8 + (31 - Math.clz32(bits & -bits)));
  return offset + 8192;
}

function bytesAt(view: DataView, offset: number, size: number): Uint8Array {
  if (offset + size > view.byteLength) throw new RangeError("the Roaring bitmap is cut short");
  return new Uint8Array(view.buffer, view.byteOffset + offset, size);
}
