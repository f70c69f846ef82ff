import { Buffer } from "node:buffer";
import { Form, type Cells, type Unescape } from "../text/cells.ts";

/** What lines of one shape share: the names of their members in their order, and the bytes between the values. */
export interface Shape {
  readonly names: readonly string[];
  /** What stands before each value, and after the last one. */
  readonly between: readonly Buffer[];
}

const QUOTE = 34;
const BACKSLASH = 92;
const MINUS = 45;
const LF = 10;
const CR = 13;
const PLACES = 131_072;
const MAX_ROWS = 4096;
/** A value that is not nested, after the name of its member. */
const MEMBER = /\s*("(?:[^"\\]|\\.)*")\s*:\s*/y;
const VALUE = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/y;

/** The shape of a line that is an object; `undefined` where it has lists or objects in it, the same name twice, or no member. */
export function shapeOf(line: string): Shape | undefined {
  const names: string[] = [];
  const between: Buffer[] = [];
  const open = /\s*\{/y;
  if (!open.test(line)) return undefined;
  let at = open.lastIndex;
  let from = 0;
  for (;;) {
    MEMBER.lastIndex = at;
    const member = MEMBER.exec(line);
    if (member === null) return undefined;
    VALUE.lastIndex = MEMBER.lastIndex;
    if (!VALUE.test(line)) return undefined;
    names.push(JSON.parse(member[1]!) as string);
    between.push(Buffer.from(line.slice(from, MEMBER.lastIndex)));
    from = VALUE.lastIndex;
    const more = /\s*,/y;
    more.lastIndex = from;
    if (!more.test(line)) break;
    at = more.lastIndex;
  }
  if (!/^\s*\}\s*$/.test(line.slice(from)) || new Set(names).size < names.length) return undefined;
  between.push(Buffer.from(line.slice(from).trimEnd()));
  return { names, between };
}

/** Finds the values of lines of one shape. */
export interface ShapeScanner {
  readonly shape: Shape;
  /**
   * Finds the values of as many lines of `bytes[from, to)` as have the shape, one after another, and there is room for; gives where the next line
   * begins. `bytes[to]` is overwritten; the last line may end there where `isLast`.
   */
  scan(bytes: Buffer, from: number, to: number, line: number, isLast: boolean): number;
  /** Of the last scan. */
  readonly cells: Cells;
}

/** A text between quotes as JSON has it. A value is checked before it is found to be one. */
const unescapeJson: Unescape = (bytes, start, end, target, at) => {
  const text = JSON.parse(`"${bytes.toString("utf8", start, end)}"`) as string;
  return at + Buffer.from(target.buffer, target.byteOffset, target.length).write(text, at, "utf8");
};

/** A scanner of lines of `shape`. Numbers are only cut: whoever reads them sees whether they are any. */
export function createShapeScanner(shape: Shape): ShapeScanner {
  const width = shape.names.length;
  const most = Math.max(1, Math.min(MAX_ROWS, Math.floor(PLACES / width)));
  // Not a power of two: see the scanner of CSV.
  const stride = most + 16;
  const starts = new Int32Array(width * stride);
  const ends = new Int32Array(width * stride);
  const rowStarts = new Int32Array(most);
  const rowEnds = new Int32Array(most);
  const lines = new Float64Array(most);
  // All literals one after another, so that the loop reads a single array.
  const literals = Buffer.concat(shape.between);
  const literalEnds = new Int32Array(width + 1);
  shape.between.reduce((sum, { length }, i) => (literalEnds[i] = sum + length), 0);
  const literalView = new DataView(literals.buffer, literals.byteOffset, literals.length);
  let rows = 0;
  let scanned!: Buffer;

  return {
    shape,
    scan(bytes, from, to, line, isLast) {
      bytes[to] = LF;
      scanned = bytes;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      let row = 0;
      let at = from;
      scanning: while (row < most && at < to) {
        const start = at;
        let literal = 0;
        for (let column = 0, place = row; column < width; column++, place += stride) {
          const end = literalEnds[column]!;
          if (at + end - literal > to) {
            at = start;
            break scanning;
          }
          // Names are most of what there is: four bytes at a time, then what is left.
          while (literal + 4 <= end && view.getInt32(at) === literalView.getInt32(literal)) {
            literal += 4;
            at += 4;
          }
          for (; literal < end; literal++, at++)
            if (bytes[at] !== literals[literal]) {
              at = start;
              break scanning;
            }
          let byte = bytes[at]!;
          if (byte === QUOTE) {
            const value = ++at;
            let form: number = Form.quoted;
            for (;;) {
              byte = bytes[at]!;
              while (byte !== QUOTE && byte !== BACKSLASH && byte >= 32) byte = bytes[++at]!;
              if (byte === QUOTE) break;
              const size = byte === BACKSLASH ? escapeSize(bytes, at) : 0;
              if (size === 0) {
                at = start;
                break scanning;
              }
              form = Form.escaped;
              at += size;
            }
            starts[place] = (value << 2) | form;
            ends[place] = at;
            at += 1;
          } else {
            const value = at;
            if (byte === MINUS || (byte >= 48 && byte <= 57)) {
              // Digits, signs, points and exponents; what ends a number is none of these.
              do byte = bytes[++at]!;
              while (
                (byte >= 48 && byte <= 57) ||
                byte === 46 ||
                byte === 101 ||
                byte === 69 ||
                byte === 43 ||
                byte === MINUS
              );
              starts[place] = value << 2;
            } else if (
              byte === 110 &&
              bytes[at + 1] === 117 &&
              bytes[at + 2] === 108 &&
              bytes[at + 3] === 108
            ) {
              at += 4;
              starts[place] = (value << 2) | Form.null;
            } else if (
              byte === 116 &&
              bytes[at + 1] === 114 &&
              bytes[at + 2] === 117 &&
              bytes[at + 3] === 101
            ) {
              at += 4;
              starts[place] = value << 2;
            } else if (
              byte === 102 &&
              bytes[at + 1] === 97 &&
              bytes[at + 2] === 108 &&
              bytes[at + 3] === 115 &&
              bytes[at + 4] === 101
            ) {
              at += 5;
              starts[place] = value << 2;
            } else {
              at = start;
              break scanning;
            }
            ends[place] = at;
          }
        }
        for (const end = literalEnds[width]!; literal < end; literal++, at++)
          if (bytes[at] !== literals[literal]) {
            at = start;
            break scanning;
          }
        if (bytes[at] === CR) at += 1;
        if (bytes[at] !== LF || at > to || (at === to && !isLast)) {
          at = start;
          break;
        }
        rowStarts[row] = start;
        rowEnds[row] = at;
        lines[row] = line + row;
        row += 1;
        at += 1;
      }
      rows = row;
      return Math.min(at, to);
    },
    get cells() {
      return {
        bytes: scanned,
        rows,
        width,
        stride,
        starts,
        ends,
        rowStarts,
        rowEnds,
        lines,
        unescape: unescapeJson,
      };
    },
  };
}

/** Bytes of an escape; 0 where it is none. */
function escapeSize(bytes: Buffer, at: number): number {
  const byte = bytes[at + 1]!;
  if (byte === 117) return /^[\da-fA-F]{4}$/.test(bytes.toString("latin1", at + 2, at + 6)) ? 6 : 0;
  return byte === QUOTE || byte === BACKSLASH || "/bfnrt".includes(String.fromCharCode(byte)) ? 2 : 0;
}
