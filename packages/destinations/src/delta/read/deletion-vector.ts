import { crc32 } from "node:zlib";
import { AlluviumError, type ObjectStore } from "@alluvium/core";
import type { AddFile, DeletionVectorDescriptor } from "../log/actions.ts";
import { decodePath } from "../log/paths.ts";
import { resolveFile } from "./data-file.ts";
import { readRoaring, type Visit } from "./roaring.ts";
import { decodeZ85 } from "./z85.ts";

const PORTABLE_MAGIC = 1681511377;
// The older layout, which the specification's own inline example has; Spark and Delta's Java kernel read it too.
const NATIVE_MAGIC = 1681511376;
const UUID_CHARACTERS = 20;

/**
 * The deleted rows of a file as a bitmap over its physical rows, least significant bit first; `undefined` where none is deleted.
 * A vector that is damaged or does not hold as many rows as the log says is `ALV_FILE_INVALID`.
 *
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-format
 */
export async function readDeletedRows(
  store: ObjectStore,
  directory: string,
  add: AddFile,
  rows: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  const descriptor = add.deletionVector;
  if (descriptor === null || descriptor === undefined) return undefined;
  const place = `the deletion vector of ${add.path}`;
  const data = await vectorBytes(store, directory, descriptor, place, signal);
  const deleted = new Uint8Array((rows + 7) >> 3);
  let count = 0;
  const visit: Visit = (row) => {
    if (row >= rows) throw new RangeError(`it deletes row ${row} of a file with ${rows} rows`);
    const mask = 1 << (row & 7);
    if ((deleted[row >> 3]! & mask) !== 0) return;
    deleted[row >> 3]! |= mask;
    count += 1;
  };
  try {
    decodeVector(data, visit);
  } catch (cause) {
    throw damaged(place, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (count !== descriptor.cardinality)
    throw damaged(place, `it holds ${count} rows, the log says ${descriptor.cardinality}`);
  return deleted;
}

/** Calls `visit` with each row of a serialised deletion vector, of either layout. */
export function decodeVector(data: Uint8Array, visit: Visit): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (view.getUint32(0, true) === PORTABLE_MAGIC) {
    let at = 12;
    for (let buckets = view.getBigUint64(4, true); buckets > 0n; buckets--) {
      const high = view.getUint32(at, true) * 0x1_0000_0000;
      at = readRoaring(view, at + 4, (low) => visit(high + low));
    }
    return;
  }
  if (view.getUint32(0, false) === NATIVE_MAGIC || view.getUint32(0, true) === NATIVE_MAGIC) {
    // The count is big-endian, each bitmap is preceded by its size; the n-th bitmap holds the rows whose upper half is n.
    const big = view.getUint32(0, false) === NATIVE_MAGIC;
    const count = view.getUint32(4, !big);
    let at = 8;
    for (let high = 0; high < count; high++) {
      const size = view.getUint32(at, !big);
      const end = at + 4 + size;
      readRoaring(view, at + 4, (low) => visit(high * 0x1_0000_0000 + low));
      at = end;
    }
    return;
  }
  throw new RangeError(`it begins with ${view.getUint32(0, true)}, which is no known layout`);
}

/** Where the file of a deletion vector stands: a path as data files have, decoded; `undefined` where the log holds the vector itself. */
export function vectorPath(
  { storageType, pathOrInlineDv }: DeletionVectorDescriptor,
  place: string,
): string | undefined {
  switch (storageType) {
    case "i":
      return undefined;
    case "u":
      return relativePath(pathOrInlineDv, place);
    case "p":
      return decodePath(pathOrInlineDv);
    default:
      throw damaged(place, `"${storageType}" is no storage type`);
  }
}

async function vectorBytes(
  store: ObjectStore,
  directory: string,
  descriptor: DeletionVectorDescriptor,
  place: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const { storageType, pathOrInlineDv, offset, sizeInBytes } = descriptor;
  if (storageType === "i") {
    // The text is padded to whole groups.
    const bytes = decodeZ85(pathOrInlineDv);
    if (bytes === undefined || bytes.length < sizeInBytes) throw damaged(place, "its inline text is not Z85");
    return bytes.subarray(0, sizeInBytes);
  }
  const path = vectorPath(descriptor, place)!;
  const file = await resolveFile(store, directory, path);
  const start = offset ?? 0;
  const bytes = await file.store.get(file.path, {
    range: { start, end: start + sizeInBytes + 8 },
    ...(signal && { signal }),
  });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < sizeInBytes + 8) throw damaged(place, `${path} ends before it`);
  const size = view.getUint32(0);
  if (size !== sizeInBytes) throw damaged(place, `${path} says ${size} bytes, the log ${sizeInBytes}`);
  const data = bytes.subarray(4, 4 + size);
  if (crc32(data) !== view.getUint32(4 + size)) throw damaged(place, `its checksum in ${path} is wrong`);
  return data;
}

/** Path of a vector file relative to the table: optional folder, then 20 characters of Z85 that are a UUID. */
function relativePath(text: string, place: string): string {
  const split = text.length - UUID_CHARACTERS;
  const bytes = split < 0 ? undefined : decodeZ85(text.slice(split));
  if (bytes === undefined) throw damaged(place, `"${text}" names no file`);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
    "-",
  );
  return `${split > 0 ? `${text.slice(0, split)}/` : ""}deletion_vector_${uuid}.bin`;
}

function damaged(place: string, reason: string, cause?: unknown): AlluviumError {
  return new AlluviumError("ALV_FILE_INVALID", `${place} is damaged: ${reason}`, { cause });
}
