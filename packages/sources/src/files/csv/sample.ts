import { Buffer } from "node:buffer";
import type { Dialect } from "./dialect.ts";

/** A cell of a sample, its bytes as the characters of the same numbers. */
export interface SampleCell {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** A record of a sample. */
export interface SampleRecord {
  readonly cells: readonly SampleCell[];
  /** Where the next one begins. */
  readonly end: number;
  /** Lines that it takes. */
  readonly lines: number;
  /** Whether its quotes are where quotes are allowed. */
  readonly isSound: boolean;
}

/**
 * The records of the beginning of a file, cell by cell: slower than the scanner, but without knowing what a record looks like. A last one that `text` may have
 * cut off is left out, unless `isWhole`. Empty lines and comments are left out.
 */
export function sampleRecords(
  text: string,
  { delimiter, quote, escape, lineEnd }: Dialect,
  options: { readonly isWhole: boolean; readonly comment: string; readonly limit: number },
): readonly SampleRecord[] {
  const records: SampleRecord[] = [];
  let at = 0;
  while (at < text.length && records.length < options.limit) {
    let lines = 1;
    let isSound = true;
    const cells: SampleCell[] = [];
    if (options.comment !== "" && text[at] === options.comment) {
      const stop = text.indexOf(lineEnd, at);
      at = stop < 0 ? text.length : stop + 1;
      continue;
    }
    for (;;) {
      let cell = "";
      const isQuoted = quote !== "" && text[at] === quote;
      if (isQuoted) {
        for (at += 1; ; at++) {
          if (at >= text.length) {
            isSound = false;
            break;
          }
          const character = text[at]!;
          if (character === quote && text[at + 1] === quote) at += 1;
          else if (character === quote) break;
          else if (character === escape && at + 1 < text.length) at += 1;
          if (text[at] === lineEnd) lines += 1;
          cell += text[at];
        }
        at += 1;
      }
      let stop = at;
      while (stop < text.length && text[stop] !== delimiter && text[stop] !== lineEnd) stop += 1;
      const isLast = stop >= text.length || text[stop] === lineEnd;
      let rest = text.slice(at, stop);
      if (isLast && lineEnd === "\n" && rest.endsWith("\r")) rest = rest.slice(0, -1);
      if (isQuoted && rest !== "") isSound = false;
      cells.push({ text: cell + rest, isQuoted });
      at = stop + 1;
      if (isLast) break;
    }
    if (at > text.length && !options.isWhole) break;
    at = Math.min(at, text.length);
    const isEmpty = cells.length === 1 && cells[0]!.text === "" && !cells[0]!.isQuoted;
    if (!isEmpty) records.push({ cells, end: at, lines, isSound });
  }
  return records;
}

/** The text of a cell of a sample. */
export function sampleText({ text }: SampleCell): string {
  return Buffer.from(text, "latin1").toString("utf8");
}
