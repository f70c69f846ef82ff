import type { Json } from "@alluvium/core";

/** How the cells of a CSV file are told apart. All of it is single bytes of UTF-8. */
export interface Dialect {
  readonly delimiter: string;
  /** What cells are enclosed in; empty: nothing. */
  readonly quote: string;
  /** What comes before a quote inside of quotes: the quote itself, or a backslash. */
  readonly escape: string;
  /** What ends a line. With `\n` a `\r` before it is no part of the line. */
  readonly lineEnd: "\n" | "\r";
}

/** The byte of a character of a dialect; one that no byte has where it is empty. */
export function byteOf(character: string): number {
  return character === "" ? -1 : character.charCodeAt(0);
}

/** A dialect as part of a position. */
export function encodeDialect({ delimiter, quote, escape, lineEnd }: Dialect): Json {
  return [delimiter, quote, escape, lineEnd];
}

/** The dialect of a position. */
export function decodeDialect(json: Json): Dialect {
  const [delimiter, quote, escape, lineEnd] = json as unknown as [string, string, string, "\n" | "\r"];
  return { delimiter, quote, escape, lineEnd };
}
