import type { Buffer } from "node:buffer";
import { Form, type Cells, type Fault, type Unescape } from "../text/cells.ts";
import { lineRemedy } from "../text/refused-text.ts";
import { byteOf, type Dialect } from "./dialect.ts";

/** How records are cut. */
export interface ScanOptions {
  readonly dialect: Dialect;
  /** Cells that a record has. */
  readonly width: number;
  /** Whether a cell of no characters, without quotes, is null. */
  readonly emptyIsNull: boolean;
  /** What begins a line that is passed over; empty: nothing. */
  readonly comment: string;
  /** What is done with records of fewer cells, and of more. */
  readonly short: "refuse" | "null";
  readonly long: "refuse" | "cut";
}

/** Text from between quotes: a quote or a backslash before what is meant as itself goes. */
function unescaper(quote: number, escape: number): Unescape {
  return (bytes, start, end, target, at) => {
    let to = at;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (i + 1 < end && (byte === escape || (byte === quote && bytes[i + 1] === quote))) i += 1;
      target[to++] = bytes[i]!;
    }
    return to;
  };
}

/** Cuts text into records and cells. */
export interface Scanner {
  /**
   * Finds the cells of as many whole records of `bytes[from, to)` as there is room for, and gives where the next one begins. `bytes[to]` is
   * overwritten. `line` is the number of the first line; afterwards `scanner.line` is that of the next. `isLast`: the text ends at `to`.
   */
  scan(bytes: Buffer, from: number, to: number, line: number, isLast: boolean): number;
  /** Of the last scan. */
  readonly cells: Cells;
  readonly faults: readonly Fault[];
  readonly line: number;
  /** Takes the first line of `bytes[from, to)` for a record that is none: where a quote was opened that nothing closes. */
  refuseLine(bytes: Buffer, from: number, to: number, line: number, why: string): number;
}

const CR = 13;
const LF = 10;
/** Cells that are found at once: their places take eight bytes each. */
const PLACES = 131_072;
const MAX_ROWS = 4096;
const DELIMITER = 1;
const END = 2;

/**
 * A scanner. Cells that begin with a quote end at the next one that is not escaped, and hold whatever stands between; in others a quote is a character like
 * any other. Records of another number of cells are faults, unless `short` or `long` say otherwise; reading goes on with the next line.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc4180
 */
export function createScanner(options: ScanOptions): Scanner {
  const { dialect, width, emptyIsNull } = options;
  const delimiter = byteOf(dialect.delimiter);
  const quote = byteOf(dialect.quote);
  const escape = byteOf(dialect.escape);
  const end = byteOf(dialect.lineEnd);
  const comment = byteOf(options.comment);
  const unescape = unescaper(quote, escape);
  const fillsShort = options.short === "null";
  const cutsLong = options.long === "cut";
  const emptyForm = emptyIsNull ? Form.null : Form.plain;
  const most = Math.max(1, Math.min(MAX_ROWS, Math.floor(PLACES / Math.max(1, width))));
  // Columns whose places are a power of two apart would fight for the same lines of the processor's cache.
  const stride = most + 16;
  const starts = new Int32Array(width * stride);
  const ends = new Int32Array(width * stride);
  const rowStarts = new Int32Array(most);
  const rowEnds = new Int32Array(most);
  const lines = new Float64Array(most);
  const classes = new Uint8Array(256);
  if (delimiter >= 0) classes[delimiter] = DELIMITER;
  classes[end] = END;

  let rows = 0;
  let nextLine = 1;
  let scanned!: Buffer;
  let faults: Fault[] = [];
  /** Of the quoted cell found last. */
  let quotedEnd = 0;
  let quotedForm: number = Form.quoted;
  let breaks = 0;

  /** Passes over a quoted cell whose quote is at `at`: gives where the delimiter or line end after it is, -1 where nothing closes it, -2 where more text follows. */
  function passQuoted(bytes: Buffer, at: number, to: number): number {
    quotedForm = Form.quoted;
    let i = at + 1;
    for (;;) {
      const byte = bytes[i]!;
      if (byte === quote) {
        if (i >= to) return -1;
        if (bytes[i + 1] !== quote || i + 1 >= to) break;
        quotedForm = Form.escaped;
        i += 2;
      } else if (byte === escape) {
        if (bytes[i + 1] === end) breaks += 1;
        quotedForm = Form.escaped;
        i += 2;
      } else {
        // The byte after the text is a line end.
        if (byte === end) {
          if (i >= to) return -1;
          breaks += 1;
        }
        i += 1;
      }
      if (i > to) return -1;
    }
    quotedEnd = i;
    i += 1;
    if (bytes[i] === CR && end === LF && i < to) i += 1;
    return classes[bytes[i]!] === 0 ? -2 - i : i;
  }

  /** Where the line that `at` is in ends. */
  function lineEnd(bytes: Buffer, at: number, to: number): number {
    const found = bytes.indexOf(end, at);
    return found < 0 || found > to ? to : found;
  }

  return {
    scan(bytes, from, to, line, isLast) {
      bytes[to] = end;
      scanned = bytes;
      faults = [];
      // Read once: the loops below look at every byte.
      const [delimiterByte, quoteByte, endByte] = [delimiter, quote, end];
      const [places, stops, step, columns, plainEmpty] = [starts, ends, stride, width, emptyForm];
      let row = 0;
      let at = from;
      let next = line;
      while (row < most && at < to) {
        const start = at;
        const first = bytes[at]!;
        if (width !== 1 || first === comment) {
          // Empty lines are no records, but where a record is a single cell.
          if (first === end) {
            at += 1;
            next += 1;
            continue;
          }
          if (first === CR && end === LF && bytes[at + 1] === LF) {
            if (at + 1 >= to && !isLast) break;
            at += 2;
            next += 1;
            continue;
          }
          if (first === comment) {
            const stop = lineEnd(bytes, at, to);
            if (stop === to && !isLast) break;
            at = stop + 1;
            next += 1;
            continue;
          }
        }
        breaks = 0;
        let column = 0;
        let place = row;
        let fault = 0;
        for (;;) {
          let cell = at;
          let stop: number;
          let form: number = Form.plain;
          let byte = bytes[at]!;
          if (byte === quoteByte) {
            at = passQuoted(bytes, at, to);
            if (at < 0) {
              fault = at;
              break;
            }
            byte = bytes[at]!;
            cell += 1;
            stop = quotedEnd;
            form = quotedForm;
          } else {
            while (byte !== delimiterByte && byte !== endByte) byte = bytes[++at]!;
            stop = at;
            if (byte === LF && stop > cell && bytes[stop - 1] === CR) stop -= 1;
            if (stop === cell) form = plainEmpty;
          }
          if (column < columns) {
            places[place] = (cell << 2) | form;
            stops[place] = stop;
            place += step;
          }
          column += 1;
          if (byte === endByte) break;
          at += 1;
        }
        if (fault < -1) {
          const stop = lineEnd(bytes, -2 - fault, to);
          if (stop === to && !isLast) {
            at = start;
            break;
          }
          faults.push({
            start,
            end: stop,
            line: next,
            why: `cell ${column + 1}: text follows its closing quote${lineRemedy}`,
          });
          at = stop + 1;
          next += 1 + breaks;
          continue;
        }
        if (fault === -1) {
          if (!isLast) {
            at = start;
            break;
          }
          const stop = lineEnd(bytes, start, to);
          faults.push({
            start,
            end: stop,
            line: next,
            why: `cell ${column + 1}: its quote is never closed${lineRemedy}`,
          });
          at = stop + 1;
          next += 1;
          continue;
        }
        if (at >= to && !isLast) {
          at = start;
          break;
        }
        if (column !== width) {
          if (column < width ? !fillsShort : !cutsLong) {
            faults.push({
              start,
              end: at,
              line: next,
              why: `${column} ${column === 1 ? "cell" : "cells"} where ${width} were expected: ${column < width ? 'csv({ shortRows: "null" }) takes null for the others' : 'csv({ longRows: "cut" }) leaves out what is beyond'}`,
            });
            at += 1;
            next += 1 + breaks;
            continue;
          }
          for (; column < width; column++, place += stride) {
            starts[place] = (at << 2) | Form.null;
            ends[place] = at;
          }
        }
        rowStarts[row] = start;
        rowEnds[row] = at;
        lines[row] = next;
        row += 1;
        at += 1;
        next += 1 + breaks;
      }
      if (at > to) at = to;
      rows = row;
      nextLine = next;
      return at;
    },
    refuseLine(bytes, from, to, line, why) {
      bytes[to] = end;
      scanned = bytes;
      rows = 0;
      const stop = lineEnd(bytes, from, to);
      faults = [{ start: from, end: stop, line, why }];
      nextLine = line + 1;
      return Math.min(to, stop + 1);
    },
    get cells() {
      return { bytes: scanned, rows, width, stride, starts, ends, rowStarts, rowEnds, lines, unescape };
    },
    get faults() {
      return faults;
    },
    get line() {
      return nextLine;
    },
  };
}
