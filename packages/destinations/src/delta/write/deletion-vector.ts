import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import type { ObjectStore } from "@alluvium/core";
import type { DeletionVectorDescriptor } from "../log/actions.ts";
import { inTable } from "../log/paths.ts";
import { encodeZ85 } from "../read/z85.ts";
import { encodeRoaring } from "./roaring.ts";

const FORMAT_VERSION = 1;
const PORTABLE_MAGIC = 1681511377;
/** Rows that one Roaring bitmap of 32-bit numbers covers, in bytes of a bitmap. */
const BUCKET_BYTES = 2 ** 29;

/**
 * One object that holds many deletion vectors, in the making: `add` a bitmap for each file that loses rows, then `write` it once. Its
 * name is new each time, so that nobody knows the object until a commit names it.
 */
export interface VectorFile {
  /** Path within the store. */
  readonly path: string;
  /** How many vectors it holds. */
  readonly count: number;
  /**
   * Adds the deleted rows of one data file (all of them: those of its old vector too) as a bitmap over its physical rows, least
   * significant bit first. Returns what the file's `add` says of it.
   */
  add(deleted: Uint8Array): DeletionVectorDescriptor;
  /** Writes the object. It is not yet durable: sync it before a commit names it. */
  write(call?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** A new {@link VectorFile} of the table in `directory`. Does no I/O. */
export function createVectorFile(store: ObjectStore, directory: string): VectorFile {
  const uuid = randomUUID();
  const path = inTable(directory, `deletion_vector_${uuid}.bin`);
  const pathOrInlineDv = encodeZ85(Uint8Array.from(Buffer.from(uuid.replaceAll("-", ""), "hex")));
  const parts: Uint8Array[] = [Uint8Array.of(FORMAT_VERSION)];
  let size = 1;
  let count = 0;
  return {
    path,
    get count() {
      return count;
    },
    add(deleted) {
      const { data, cardinality } = encodeVector(deleted);
      const offset = size;
      parts.push(bigEndian(data.length), data, bigEndian(crc32(data)));
      size += data.length + 8;
      count += 1;
      return { storageType: "u", pathOrInlineDv, offset, sizeInBytes: data.length, cardinality };
    },
    async write(call = {}) {
      await store.put(path, Buffer.concat(parts, size), call);
    },
  };
}

/**
 * A bitmap of deleted rows in the portable layout: magic, number of buckets, then per bucket the upper half of its row numbers and a
 * Roaring bitmap of the lower ones.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-format
 */
export function encodeVector(deleted: Uint8Array): {
  readonly data: Uint8Array;
  readonly cardinality: number;
} {
  const buckets: Uint8Array[] = [];
  let cardinality = 0;
  for (let high = 0; high * BUCKET_BYTES < deleted.length; high++) {
    const bucket = encodeRoaring(deleted.subarray(high * BUCKET_BYTES, (high + 1) * BUCKET_BYTES));
    if (bucket.cardinality === 0) continue;
    cardinality += bucket.cardinality;
    buckets.push(littleEndian(high), bucket.bytes);
  }
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint32(0, PORTABLE_MAGIC, true);
  view.setBigUint64(4, BigInt(buckets.length / 2), true);
  return { data: Buffer.concat([header, ...buckets]), cardinality };
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function littleEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
