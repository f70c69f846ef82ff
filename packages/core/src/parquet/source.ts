/** Where the bytes of a file come from: a store's object, a file handle, an array. */
export interface ParquetSource {
  /** Size of the file. */
  readonly byteLength: number;
  /**
   * The bytes `[start, end)`; to the end of the file where `end` is left out. They must not change afterwards. They may be put into `into`, which has room for
   * them and is used again when they are decoded.
   */
  slice(start: number, end?: number, into?: Uint8Array): Promise<Uint8Array>;
}

/** Bytes that are already in memory as a {@link ParquetSource}. */
export function bytesSource(bytes: Uint8Array): ParquetSource {
  return {
    byteLength: bytes.byteLength,
    slice: (start, end) => Promise.resolve(bytes.subarray(start, end)),
  };
}
