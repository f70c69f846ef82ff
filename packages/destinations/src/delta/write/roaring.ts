const COOKIE_WITHOUT_RUNS = 12346;
const COOKIE_WITH_RUNS = 12347;
const NO_OFFSET_THRESHOLD = 4;
/** Bytes of a bitmap that one container covers: 65 536 numbers. */
const CONTAINER_BYTES = 8192;

interface Container {
  readonly key: number;
  readonly cardinality: number;
  readonly kind: "array" | "bits" | "runs";
  /** Bytes that its body takes. */
  readonly size: number;
}

/**
 * A bitmap (least significant bit first, numbers below 2^32) as one 32-bit Roaring bitmap in the standard serialisation. Each container
 * has the smallest of its three forms.
 *
 * Source: https://github.com/RoaringBitmap/RoaringFormatSpec
 */
export function encodeRoaring(bitmap: Uint8Array): {
  readonly bytes: Uint8Array;
  readonly cardinality: number;
} {
  const containers: Container[] = [];
  let cardinality = 0;
  for (let key = 0; key * CONTAINER_BYTES < bitmap.length; key++) {
    const container = measure(part(bitmap, key), key);
    if (container === undefined) continue;
    containers.push(container);
    cardinality += container.cardinality;
  }
  const withRuns = containers.some(({ kind }) => kind === "runs");
  const count = containers.length;
  const flagBytes = withRuns ? (count + 7) >> 3 : 0;
  const offsets = !withRuns || count >= NO_OFFSET_THRESHOLD;
  const header = (withRuns ? 4 + flagBytes : 8) + 4 * count + (offsets ? 4 * count : 0);
  const bytes = new Uint8Array(containers.reduce((sum, { size }) => sum + size, header));
  const view = new DataView(bytes.buffer);
  let at = 0;
  if (withRuns) {
    view.setUint32(0, COOKIE_WITH_RUNS | ((count - 1) << 16), true);
    containers.forEach(({ kind }, i) => {
      if (kind === "runs") bytes[4 + (i >> 3)]! |= 1 << (i & 7);
    });
    at = 4 + flagBytes;
  } else {
    view.setUint32(0, COOKIE_WITHOUT_RUNS, true);
    view.setUint32(4, count, true);
    at = 8;
  }
  for (const container of containers) {
    view.setUint16(at, container.key, true);
    view.setUint16(at + 2, container.cardinality - 1, true);
    at += 4;
  }
  let body = header;
  for (const { key, kind, size } of containers) {
    if (offsets) {
      view.setUint32(at, body, true);
      at += 4;
    }
    const bits = part(bitmap, key);
    if (kind === "bits") bytes.set(bits, body);
    else if (kind === "array") putArray(view, body, bits);
    else putRuns(view, body, bits);
    body += size;
  }
  return { bytes, cardinality };
}

function part(bitmap: Uint8Array, key: number): Uint8Array {
  return bitmap.subarray(key * CONTAINER_BYTES, (key + 1) * CONTAINER_BYTES);
}

function measure(bits: Uint8Array, key: number): Container | undefined {
  let cardinality = 0;
  let runs = 0;
  let before = 0;
  for (const byte of bits) {
    if (byte !== 0) {
      cardinality += ones(byte);
      // A run begins at a set bit whose lower neighbour is not set.
      runs += ones(byte & ~((byte << 1) | (before >> 7)));
    }
    before = byte;
  }
  if (cardinality === 0) return undefined;
  const asRuns = 2 + 4 * runs;
  const asArray = 2 * cardinality;
  if (asRuns < Math.min(asArray, CONTAINER_BYTES)) return { key, cardinality, kind: "runs", size: asRuns };
  // The reader tells arrays and bit sets apart by their cardinality alone.
  return asArray <= CONTAINER_BYTES
    ? { key, cardinality, kind: "array", size: asArray }
    : { key, cardinality, kind: "bits", size: CONTAINER_BYTES };
}

function ones(byte: number): number {
  const pairs = byte - ((byte >> 1) & 0x55);
  const nibbles = (pairs & 0x33) + ((pairs >> 2) & 0x33);
  return (nibbles + (nibbles >> 4)) & 0x0f;
}

function putArray(view: DataView, offset: number, bits: Uint8Array): void {
  let at = offset;
  for (let byte = 0; byte < bits.length; byte++)
    for (let rest = bits[byte]!; rest !== 0; rest &= rest - 1, at += 2)
      view.setUint16(at, byte * 8 + (31 - Math.clz32(rest & -rest)), true);
}

function putRuns(view: DataView, offset: number, bits: Uint8Array): void {
  const isSet = (index: number): boolean => ((bits[index >> 3]! >> (index & 7)) & 1) === 1;
  const length = bits.length * 8;
  let runs = 0;
  let at = offset + 2;
  for (let index = 0; index < length; index++) {
    if ((index & 7) === 0 && bits[index >> 3] === 0) {
      index += 7;
      continue;
    }
    if (!isSet(index)) continue;
    const start = index;
    while (index + 1 < length && isSet(index + 1)) index += 1;
    view.setUint16(at, start, true);
    view.setUint16(at + 2, index - start, true);
    at += 4;
    runs += 1;
  }
  view.setUint16(offset, runs, true);
}
