import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";

/** How files are compressed as a whole. */
export type Codec = "none" | "gzip" | "zstd";

const make: Readonly<
  Record<Exclude<Codec, "none">, { readonly pack: () => Transform; readonly unpack: () => Transform }>
> = {
  gzip: { pack: () => createGzip({ level: 6 }), unpack: () => createGunzip() },
  zstd: { pack: () => createZstdCompress(), unpack: () => createZstdDecompress() },
};

/** The ending of compressed files, after that of what they hold. */
export const codecEndings: Readonly<Record<Codec, string>> = { none: "", gzip: ".gz", zstd: ".zst" };

/** The codec that a file's name tells. */
export function codecOfName(path: string): Codec {
  const name = path.replace(/\.new$/, "");
  return name.endsWith(".gz") ? "gzip" : name.endsWith(".zst") ? "zstd" : "none";
}

/** Takes bytes, one call after the other. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
  /** All bytes have come. */
  end(): Promise<void>;
  /** No more bytes come, and what is written counts for nothing. */
  abandon(): void;
}

/** A sink that compresses into another one. */
export function packing(codec: Codec, sink: (bytes: Uint8Array) => Promise<void>): ByteSink {
  if (codec === "none") return { write: sink, end: () => Promise.resolve(), abandon: () => {} };
  const stream = make[codec].pack();
  let out: Uint8Array[] = [];
  let failure: Error | undefined;
  stream.on("data", (chunk: Uint8Array) => out.push(chunk));
  stream.on("error", (error) => (failure ??= error));
  const drain = async (): Promise<void> => {
    if (failure !== undefined) throw failure;
    const ready = out;
    out = [];
    for (const chunk of ready) await sink(chunk);
  };
  return {
    async write(bytes) {
      await new Promise<void>((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
      await drain();
    },
    async end() {
      await new Promise<void>((resolve, reject) => {
        stream.once("end", resolve);
        stream.once("error", reject);
        stream.end();
      });
      await drain();
    },
    abandon() {
      stream.destroy();
    },
  };
}

/** Bytes, unpacked. What is damaged or cut off is an error of zlib. */
export function unpacked(codec: Codec, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  if (codec === "none") return bytes;
  const stream = make[codec].unpack();
  // Whoever reads the stream is told of errors.
  pipeline(Readable.from(bytes), stream, () => {});
  return stream;
}
