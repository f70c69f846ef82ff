import { Buffer } from "node:buffer";
import type { BytesBuilder } from "./builder.ts";

/**
 * Puts strings into a builder as UTF-8. Short ASCII is written by hand, which beats any call; the rest by the runtime.
 * A lone surrogate becomes U+FFFD, as in every WHATWG encoder.
 */
export interface TextWriter {
  readonly builder: BytesBuilder;
  /** A view of the builder's bytes with Node's writing methods; renewed when the builder grows. */
  view: Buffer;
}

/** A writer of text into `builder`. */
export function textWriter(builder: BytesBuilder): TextWriter {
  return { builder, view: viewOf(builder) };
}

const BY_HAND = 28;
const ESTIMATED = 4096;

/** Appends one string. */
export function writeText(writer: TextWriter, text: string): void {
  const { builder } = writer;
  const size = text.length;
  builder.reserve(1);
  if (size <= BY_HAND) {
    if (builder.dataLength + size > builder.data.length) builder.reserveBytes(size);
    const { data } = builder;
    let at = builder.dataLength;
    let i = 0;
    for (; i < size; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      data[at++] = code;
    }
    if (i === size) {
      builder.dataLength = at;
      builder.offsets[++builder.length] = at;
      return;
    }
  }
  // A code unit takes at most three bytes; of long texts the size is counted rather than guessed.
  builder.reserveBytes(size < ESTIMATED ? size * 3 : Buffer.byteLength(text));
  if (writer.view.buffer !== builder.data.buffer) writer.view = viewOf(builder);
  builder.dataLength += writer.view.write(text, builder.dataLength, "utf8");
  builder.offsets[++builder.length] = builder.dataLength;
}

function viewOf({ data }: BytesBuilder): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
