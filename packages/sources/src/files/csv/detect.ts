import type { Dialect } from "./dialect.ts";
import { sampleRecords, type SampleRecord } from "./sample.ts";

/** What of a dialect is known. */
export interface KnownDialect extends Partial<Dialect> {
  readonly comment: string;
}

// Of two that split all records alike the first is taken: commas and semicolons stand in texts and numbers more often than tabs do.
const DELIMITERS = ["\t", "|", ";", ","];
/** Records that are compared. */
const LIMIT = 1000;

/**
 * The dialect of a file by its beginning (bytes as characters of the same numbers): the delimiter that splits the most records into the same number of cells,
 * more than one; quotes `"` unless only `'` enclose cells; a backslash as escape where the quotes are only sound with it. A comma where nothing tells.
 */
export function detectDialect(text: string, isWhole: boolean, known: KnownDialect): Dialect {
  const delimiters = known.delimiter === undefined ? DELIMITERS : [known.delimiter];
  const lineEnd = known.lineEnd ?? lineEndOf(text, known.quote ?? '"', delimiters);
  const found = detectBy(text, isWhole, known, delimiters, lineEnd);
  // Where quotes do not tell what the first line ends with: of the other line end there must be no fewer records, and more of them alike.
  const other = lineEnd === "\n" ? "\r" : "\n";
  if (known.lineEnd === undefined && (other === "\n" ? text.includes("\n") : /\r(?!\n)/.test(text))) {
    const second = detectBy(text, isWhole, known, delimiters, other);
    const isBetter = shareOf(second.records) > shareOf(found.records);
    if (isBetter && second.records.length >= found.records.length) return second.dialect;
  }
  return found.dialect;
}

/** The dialect of the best score, for one line end. */
function detectBy(
  text: string,
  isWhole: boolean,
  known: KnownDialect,
  delimiters: readonly string[],
  lineEnd: Dialect["lineEnd"],
): { readonly dialect: Dialect; readonly records: readonly SampleRecord[] } {
  const quotes = known.quote === undefined ? ['"', "'"] : [known.quote];
  let best:
    | { readonly dialect: Dialect; readonly score: number; readonly records: readonly SampleRecord[] }
    | undefined;
  for (const quote of quotes) {
    // Where double quotes are in use an apostrophe is one.
    if (quote === "'" && known.quote === undefined && (!text.includes("'") || text.includes('"'))) continue;
    const escapes = known.escape === undefined ? [quote, "\\"] : [known.escape === "\\" ? "\\" : quote];
    for (const escape of escapes) {
      if (escape === "\\" && known.escape === undefined && !text.includes(`\\${quote}`)) continue;
      for (const delimiter of delimiters) {
        const dialect = { delimiter, quote, escape, lineEnd };
        const records = sampleRecords(text, dialect, { isWhole, comment: known.comment, limit: LIMIT });
        const score = scoreOf(records, quote === "'" && known.quote === undefined);
        if (best === undefined || score > best.score) best = { dialect, score, records };
      }
    }
  }
  if (best !== undefined && best.score > 0) return best;
  const quote = known.quote ?? '"';
  const dialect = { delimiter: known.delimiter ?? ",", quote, escape: known.escape ?? quote, lineEnd };
  return { dialect, records: best?.records ?? [] };
}

/** What the first line ends with, as far as `quote` at the beginning of cells tells what is within them. */
function lineEndOf(text: string, quote: string, delimiters: readonly string[]): "\n" | "\r" {
  let isQuoted = false;
  let isStart = true;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (isQuoted) {
      if (character !== quote) continue;
      if (text[i + 1] === quote) i += 1;
      else isQuoted = false;
    } else if (character === quote && isStart) isQuoted = true;
    else if (character === "\n") return "\n";
    else if (character === "\r") return text[i + 1] === "\n" ? "\n" : "\r";
    isStart = !isQuoted && delimiters.includes(character);
  }
  return text.includes("\n") || !text.includes("\r") ? "\n" : "\r";
}

/**
 * The share of records that are sound and have as many cells as most have, and one more where those are several cells: of more than half of them, or of
 * the first one, too, which mostly is a header. Text with commas in some of its lines is no table.
 */
function scoreOf(records: readonly SampleRecord[], mustQuote: boolean): number {
  const [first] = records;
  if (first === undefined || (mustQuote && !records.some(hasQuotes))) return 0;
  const width = usualWidth(records);
  const share = shareOf(records);
  if (width > 1) return share > 0.5 || first.cells.length === width ? 1 + share : 0;
  return share / 2;
}

/** The share of records that are sound and have as many cells as most have. */
function shareOf(records: readonly SampleRecord[]): number {
  const width = usualWidth(records);
  return (
    records.filter(({ cells, isSound }) => isSound && cells.length === width).length /
    Math.max(1, records.length)
  );
}

function hasQuotes({ cells }: SampleRecord): boolean {
  return cells.some(({ isQuoted }) => isQuoted);
}

/** How many cells most records have; those of the first one, or the most, where several numbers are as frequent. */
export function usualWidth(records: readonly SampleRecord[]): number {
  const counts = new Map<number, number>();
  for (const { cells } of records) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const first = records[0]?.cells.length ?? 0;
  let width = first;
  for (const [cells, count] of counts) {
    const most = counts.get(width)!;
    if (count > most || (count === most && width !== first && cells > width)) width = cells;
  }
  return width;
}
