import type { FileContent } from "../../src/files/format.ts";

/** A file in memory. `chunk`: bytes that are read at a time, or where to cut. */
export function contentOf(
  data: Uint8Array | string,
  options: { readonly path?: string; readonly chunk?: number | readonly number[] } = {},
): FileContent {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  const { path = "file", chunk = 65_536 } = options;
  return {
    path,
    size: bytes.length,
    modified: new Date(0),
    tag: `${bytes.length}`,
    compression: "none",
    async *read(offset = 0) {
      for (let at = offset, i = 0; at < bytes.length; i++) {
        const size = typeof chunk === "number" ? chunk : (chunk[i % chunk.length] ?? 1);
        const end = Math.min(bytes.length, at + Math.max(1, size));
        // A copy: what is read is the caller's to keep, and must not change with the file.
        yield bytes.slice(at, end);
        at = end;
        await Promise.resolve();
      }
    },
    range: (start, end) => Promise.resolve(bytes.slice(start, end)),
  };
}
