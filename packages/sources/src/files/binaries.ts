import { createHash } from "node:crypto";
import { AlluviumError } from "@alluvium/core";
import { createAppender, describeValue } from "@alluvium/core/columns";
import type { ColumnHints } from "@alluvium/core";
import type { FileContent, FileFormat } from "./format.ts";
import { checkNames } from "./format-options.ts";
import { mediaTypeOf } from "./media-type.ts";

/** Bytes of one read. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** Options of {@link binaries}. */
export interface BinariesOptions {
  /** Whether the bytes themselves are a column. @default false */
  readonly bytes?: boolean;
  /** Whether files are read for their SHA-256. Without it, and without `bytes`, only their beginning is read. @default true */
  readonly checksum?: boolean;
  /** Files of more bytes than this have null for their bytes. @default 16 MiB */
  readonly maxBytes?: number;
}

/**
 * Files as rows, one each, whatever they hold: `path`, `size`, `sha256` (hexadecimal), `media_type` (by the first bytes, then the extension), `etag` (what
 * tells versions apart), `modified`, and by option `bytes`. Files are taken as they are stored: nothing is decompressed.
 *
 * @example
 * ```ts
 * const images = files({ url: "s3://shop/landing", tables: { images: { files: "images/**", format: binaries({ bytes: true }) } } });
 * ```
 */
export function binaries(options: BinariesOptions = {}): FileFormat {
  checkNames("binaries", options, ["bytes", "checksum", "maxBytes"]);
  const { bytes: withBytes = false, checksum = true, maxBytes = 16 * 1024 * 1024 } = options;
  for (const [name, value] of Object.entries({ bytes: withBytes, checksum }))
    if (typeof value !== "boolean")
      throw new AlluviumError(
        "ALV_CONFIG",
        `binaries: ${name} must be true or false, not ${describeValue(value)}`,
      );
  if (!(Number.isSafeInteger(maxBytes) && maxBytes >= 0 && maxBytes < 2 ** 31))
    throw new AlluviumError(
      "ALV_CONFIG",
      `binaries: maxBytes is ${describeValue(maxBytes)}; it must be a whole number below 2 GiB`,
    );
  const columns: ColumnHints = {
    path: { type: "string", nullable: false },
    size: { type: "int64", nullable: false },
    ...(checksum && { sha256: { type: "string", nullable: false } }),
    media_type: { type: "string", nullable: false },
    etag: { type: "string", nullable: false },
    modified: { type: "timestamp", nullable: false },
    ...(withBytes && { bytes: { type: "binary" } }),
  };
  return {
    specVersion: 1,
    name: "binaries",
    decoder({ signal }) {
      const appender = createAppender({ columns });
      return {
        async *read(file) {
          const keeps = withBytes && file.size <= maxBytes;
          const { sha256, head, whole } = await look(file, { checksum, keeps, signal });
          const { path, size, tag: etag, modified } = file;
          appender.append({
            path,
            size: BigInt(size),
            ...(checksum && { sha256 }),
            media_type: mediaTypeOf(path, head),
            etag,
            modified,
            ...(withBytes && { bytes: whole }),
          });
          yield { batch: appender.finish(), locate: () => ({}) };
        },
      };
    },
  };
}

/** Reads what is asked for. */
async function look(
  file: FileContent,
  {
    checksum,
    keeps,
    signal,
  }: { readonly checksum: boolean; readonly keeps: boolean; readonly signal: AbortSignal },
): Promise<{ readonly sha256: string; readonly head: Uint8Array; readonly whole: Uint8Array | null }> {
  const { size } = file;
  const hash = createHash("sha256");
  const whole = keeps ? new Uint8Array(size) : null;
  let head: Uint8Array = new Uint8Array(0);
  const end = checksum || keeps ? size : Math.min(size, 64);
  for (let at = 0; at < end; at += PIECE_BYTES) {
    signal.throwIfAborted();
    const piece = await file.range(at, Math.min(end, at + PIECE_BYTES));
    if (at === 0) head = piece;
    hash.update(piece);
    whole?.set(piece, at);
  }
  return { sha256: hash.digest("hex"), head, whole };
}
