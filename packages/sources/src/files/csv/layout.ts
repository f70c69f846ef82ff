import type { Json } from "@alluvium/core";
import type { TextBlocks } from "../text/text-blocks.ts";
import { detectDialect, usualWidth } from "./detect.ts";
import { decodeDialect, encodeDialect, type Dialect } from "./dialect.ts";
import type { CsvSettings } from "./options.ts";
import { saidBy } from "../text/said.ts";
import { sampleRecords, sampleText, type SampleRecord } from "./sample.ts";
import { uniqueNames } from "./names.ts";

/** How one file is laid out. */
export interface Layout {
  readonly dialect: Dialect;
  /** The names of its columns. */
  readonly names: readonly string[];
}

/** Bytes by which the layout of a file is found out. */
const SAMPLE = 256 * 1024;
/** Records that say how many cells they have, and whether there is a header. */
const RECORDS = 1000;

/**
 * Finds out how a file is laid out, and passes over what stands before its first record. `undefined`: it has none. `line` is that of the
 * first record.
 */
export async function findLayout(
  text: TextBlocks,
  settings: CsvSettings,
): Promise<{ readonly layout: Layout; readonly line: number } | undefined> {
  const { comment, names, quote, escape, delimiter, maxRecordBytes } = settings;
  for (let size = SAMPLE; ; size *= 4) {
    await text.fill(Math.min(size, maxRecordBytes));
    const isWhole = text.isLast;
    const sample = text.bytes.toString("latin1", text.start, text.end);
    const skipped = endOfLines(sample, settings.skip);
    if (skipped === undefined && !isWhole && size < maxRecordBytes) continue;
    const from = skipped ?? sample.length;
    const rest = sample.slice(from);
    const dialect = detectDialect(rest, isWhole, {
      comment,
      ...(delimiter !== undefined && { delimiter }),
      ...(quote !== undefined && { quote }),
      ...(escape !== undefined && { escape: escape === "backslash" ? "\\" : (quote ?? '"') }),
    });
    const records = sampleRecords(rest, dialect, { isWhole, comment, limit: RECORDS });
    const first = records[0];
    // A first record that is longer than the sample.
    if (first === undefined && !isWhole && size < maxRecordBytes) continue;
    if (first === undefined) {
      text.skip(text.start + from);
      if (isWhole || names === undefined) return undefined;
      return { layout: { dialect, names }, line: settings.skip + 1 };
    }
    const hasHeader = settings.header ?? (names === undefined && isHeader(first, settings));
    const width = hasHeader ? first.cells.length : usualWidth(records);
    const found = hasHeader ? first.cells.map(sampleText) : Array.from({ length: width }, () => "");
    text.skip(text.start + from + (hasHeader ? first.end : 0));
    const lines = hasHeader ? first.end : 0;
    return {
      layout: { dialect, names: names ?? uniqueNames(found) },
      line: settings.skip + 1 + lineEnds(rest.slice(0, lines), dialect.lineEnd),
    };
  }
}

/** Names are text; a record with a cell that says that it is something else is one of values. */
function isHeader({ cells }: SampleRecord, { decimal }: CsvSettings): boolean {
  const texts = cells.map(sampleText);
  return (
    texts.some((text) => text !== "") &&
    texts.every((text) => saidBy(decimal === "," ? text.replace(",", ".") : text) === "text")
  );
}

/** Where the first `count` lines end; `undefined` where there are not so many. */
function endOfLines(text: string, count: number): number | undefined {
  const pattern = /\r\n|\n|\r/g;
  let end = 0;
  for (let i = 0; i < count; i++) {
    if (pattern.exec(text) === null) return undefined;
    end = pattern.lastIndex;
  }
  return end;
}

function lineEnds(text: string, lineEnd: string): number {
  return text.split(lineEnd).length - 1;
}

/** A layout as part of a position. */
export function encodeLayout({ dialect, names }: Layout): Json {
  return { dialect: encodeDialect(dialect), names };
}

/** The layout of a position. */
export function decodeLayout(json: { readonly [name: string]: Json }): Layout {
  return { dialect: decodeDialect(json["dialect"]!), names: json["names"] as readonly string[] };
}
