const QUOTE = 34;
const BACKSLASH = 92;

/** Whether a byte is white space of JSON. */
export function isSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

/**
 * Where the value that begins at `start` ends, by its brackets and quotes alone; -1 where that is not before `end`, unless `isLast` and a number or a word ends there.
 */
export function valueEnd(bytes: Uint8Array, start: number, end: number, isLast: boolean): number {
  const first = bytes[start]!;
  let at = start;
  if (first === QUOTE) return stringEnd(bytes, start, end);
  if (first !== 123 && first !== 91) {
    while (at < end) {
      const byte = bytes[at]!;
      if (byte === 44 || byte === 93 || byte === 125 || isSpace(byte)) return at;
      at += 1;
    }
    return isLast ? end : -1;
  }
  let depth = 0;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      at = stringEnd(bytes, at, end);
      if (at < 0) return -1;
      continue;
    }
    at += 1;
    if (byte === 123 || byte === 91) depth += 1;
    else if ((byte === 125 || byte === 93) && --depth === 0) return at;
  }
  return -1;
}

function stringEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === BACKSLASH) at += 1;
    else if (byte === QUOTE) return at + 1;
  }
  return -1;
}

/** Passes over a value of any size, piece by piece. */
export interface ValueSkipper {
  /** Takes `bytes[at, end)`; gives where the value ended, or -1 where it goes on. */
  skip(bytes: Uint8Array, at: number, end: number): number;
}

/** Passes over one value that begins with the first byte that is given. */
export function createValueSkipper(): ValueSkipper {
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  let begun = false;
  let isWord = false;
  return {
    skip(bytes, from, end) {
      for (let at = from; at < end; at++) {
        const byte = bytes[at]!;
        if (inString) {
          if (isEscaped) isEscaped = false;
          else if (byte === BACKSLASH) isEscaped = true;
          else if (byte === QUOTE) {
            inString = false;
            if (depth === 0) return at + 1;
          }
          continue;
        }
        const closes = byte === 125 || byte === 93;
        if (isWord && (byte === 44 || closes || isSpace(byte))) return at;
        if (byte === QUOTE) inString = true;
        else if (byte === 123 || byte === 91) depth += 1;
        else if (closes) {
          depth -= 1;
          if (depth === 0) return at + 1;
        } else if (!begun) isWord = true;
        begun = true;
      }
      return -1;
    },
  };
}
