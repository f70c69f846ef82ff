import { AlluviumError } from "@alluvium/core";
import { describeValue } from "@alluvium/core/columns";

/** How the bytes of a text file stand for characters. */
export interface Encoding {
  /** The label that `TextDecoder` knows it by; `utf-8` is read as it is. */
  readonly label: string;
  /** Bytes of a mark at the start of the file, which is no part of its text. */
  readonly mark: number;
}

/** Bytes that a mark takes at most. */
export const markLength = 3;

/** Throws `ALV_CONFIG` where nothing decodes the encoding that `label` names. */
export function checkEncoding(label: unknown, format: string): void {
  try {
    if (typeof label === "string") return void new TextDecoder(label);
  } catch {
    // Said below.
  }
  throw new AlluviumError(
    "ALV_CONFIG",
    `${format}: encoding must be a label of the WHATWG Encoding Standard, such as utf-8, utf-16le or windows-1252, not ${describeValue(label)}`,
  );
}

/**
 * The encoding of a file by its first bytes: that of its byte order mark, else the one that was given, else UTF-8.
 *
 * Source: https://encoding.spec.whatwg.org/#bom-sniff
 */
export function encodingOf(first: Uint8Array, given: string | undefined): Encoding {
  const [a, b, c] = first;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { label: "utf-8", mark: 3 };
  if (a === 0xff && b === 0xfe) return { label: "utf-16le", mark: 2 };
  if (a === 0xfe && b === 0xff) return { label: "utf-16be", mark: 2 };
  return { label: given === undefined ? "utf-8" : new TextDecoder(given).encoding, mark: 0 };
}

/** Text in another encoding as UTF-8, chunk by chunk; what stands for no character becomes U+FFFD. */
export async function* transcode(
  chunks: AsyncIterable<Uint8Array>,
  label: string,
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(label, { ignoreBOM: true });
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== "") yield Buffer.from(text);
  }
  const rest = decoder.decode();
  if (rest !== "") yield Buffer.from(rest);
}
