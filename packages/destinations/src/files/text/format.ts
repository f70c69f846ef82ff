import type { Json, Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import type { Codec } from "./codec.ts";

/** How rows become the text of a file, and are read from it again. */
export interface TextFormat {
  /** `csv`, `jsonl`: also the ending of files, after a dot. */
  readonly name: string;
  /** For messages: `CSV`. */
  readonly title: string;
  readonly codec: Codec;
  /** What files of one folder have in common, so that a reader can tell the values. */
  readonly dialect: { readonly [name: string]: Json };
  /** What a file with these columns begins with. */
  head(schema: Schema): string;
  /** The text of rows of a batch, from and to a number. */
  rows(batch: Batch): (from: number, to: number) => string;
  /** The rows of a file's text, which comes in pieces, in the form that `createAppender` takes for `schema`. */
  parse(text: AsyncIterable<string>, schema: Schema): AsyncIterable<object>;
}
