/**
 * The longest prefix of UTF-8 text with at most `characters` code points: a lower bound of every text that begins with it.
 * Returns `text` itself when it is short enough.
 */
export function cutTextBelow(text: Uint8Array, characters: number): Uint8Array {
  return text.subarray(0, prefixLength(text, characters));
}

/**
 * The shortest text that is a bound above `text` within `characters` code points: the prefix with its last code point that can grow
 * raised by one. `undefined` when none can (the prefix consists of U+10FFFF only) or the bytes are not UTF-8. Returns `text` itself
 * when it is short enough.
 */
export function cutTextAbove(text: Uint8Array, characters: number): Uint8Array | undefined {
  let end = prefixLength(text, characters);
  if (end === text.length) return text;
  while (end > 0) {
    let start = end - 1;
    while (start > 0 && (text[start]! & 0xc0) === 0x80) start--;
    const point = decodePoint(text, start, end);
    if (point === undefined) return undefined;
    // Surrogates are no characters of UTF-8: the next one after U+D7FF is U+E000.
    const next = point === 0xd7ff ? 0xe000 : point + 1;
    if (next <= 0x10ffff) {
      const raised = encodePoint(next);
      const bound = new Uint8Array(start + raised.length);
      bound.set(text.subarray(0, start));
      bound.set(raised, start);
      return bound;
    }
    end = start;
  }
  return undefined;
}

/** The first `bytes` bytes: a lower bound. */
export function cutBytesBelow(value: Uint8Array, bytes: number): Uint8Array {
  return value.length <= bytes ? value : value.subarray(0, bytes);
}

/** A bound above `value` of at most `bytes` bytes; `undefined` when the prefix is all 0xff. */
export function cutBytesAbove(value: Uint8Array, bytes: number): Uint8Array | undefined {
  if (value.length <= bytes) return value;
  let end = bytes;
  while (end > 0 && value[end - 1] === 0xff) end--;
  if (end === 0) return undefined;
  const bound = new Uint8Array(value.subarray(0, end));
  bound[end - 1]! += 1;
  return bound;
}

function prefixLength(text: Uint8Array, characters: number): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) if ((text[i]! & 0xc0) !== 0x80 && count++ === characters) return i;
  return text.length;
}

function decodePoint(text: Uint8Array, start: number, end: number): number | undefined {
  const lead = text[start]!;
  const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
  if (length !== end - start) return undefined;
  if (length === 1) return lead;
  let point = lead & (0xff >> (length + 1));
  for (let i = start + 1; i < end; i++) point = (point << 6) | (text[i]! & 0x3f);
  return point;
}

function encodePoint(point: number): number[] {
  if (point < 0x80) return [point];
  if (point < 0x800) return [0xc0 | (point >> 6), 0x80 | (point & 0x3f)];
  if (point < 0x10000) return [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)];
  return [
    0xf0 | (point >> 18),
    0x80 | ((point >> 12) & 0x3f),
    0x80 | ((point >> 6) & 0x3f),
    0x80 | (point & 0x3f),
  ];
}
