import { Buffer, isUtf8 } from "node:buffer";

const REPLACEMENT = Buffer.from("\uFFFD");

/** Why a row or a header with bytes that stand for no character is refused. */
export const invalidBytesText: string =
  'has bytes that stand for no character: give the file\'s encoding (encoding: "windows-1252", say), or take U+FFFD for them with invalidBytes: "replace"';

/** Whether bytes are text. What was transcoded has a character in the place of what was none. */
export function isSoundText(bytes: Buffer, start: number, end: number, isTranscoded: boolean): boolean {
  const part = bytes.subarray(start, end);
  return isTranscoded ? !part.includes(REPLACEMENT) : isUtf8(part);
}
