import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { AlluviumError } from "@alluvium/core";

/** Bytes of the hash of a path, and of that of a version. */
const PATH_BYTES = 8;
const VERSION_BYTES = 5;
/** Path, version, and the second after the file was last written. */
const RECORD = PATH_BYTES + VERSION_BYTES + 4;
/** More than this are not remembered: they are part of the cursor, which is stored with each commit. */
const MOST_FILES = 1_000_000;

/** A version of a file, as it is remembered. */
export interface FileVersion {
  readonly path: string;
  readonly tag: string;
  readonly size: number;
  readonly modified: Date;
}

/** The files that are done, of a window of time, as they were at one moment: later changes do not reach it. */
export interface DoneSnapshot {
  /** Files, some perhaps of several versions. */
  readonly count: number;
  /** {@link RECORD} bytes for each. */
  readonly records: Uint8Array;
}

/** No files. */
export const noneDone: DoneSnapshot = { count: 0, records: new Uint8Array(0) };

/**
 * The files of a window of time that are done, by hashes of path and version: 17 bytes each. That another version is taken for one that is done
 * needs the same 104 bits (SHA-256).
 */
export interface DoneFiles {
  /** Whether this version of a file is done, another one of it, or none. */
  find(file: FileVersion): "this" | "other" | "none";
  add(file: FileVersion): void;
  /**
   * Forgets what was last written at `time` or before (milliseconds since 1970). `all`: also of what there was from the beginning, and of several
   * versions of a file all but the last.
   */
  forget(time: number, all: boolean): void;
  snapshot(): DoneSnapshot;
}

/** Opens what is remembered. */
export function openDoneFiles(from: DoneSnapshot): DoneFiles {
  let records = Buffer.from(from.records.buffer, from.records.byteOffset, from.count * RECORD);
  let { count } = from;
  /** Records that were there from the beginning: the sweep under way may need any of them. */
  let given = count;
  let slots = new Int32Array(0);

  /** The slot of a record's path: its own, or the free one where it belongs. */
  function slotOf(of: Buffer, at: number): number {
    const mask = slots.length - 1;
    for (let slot = of.readUInt32LE(at) & mask; ; slot = (slot + 1) & mask) {
      const index = slots[slot]! - 1;
      if (index < 0) return slot;
      const there = index * RECORD;
      if (of.compare(records, there, there + PATH_BYTES, at, at + PATH_BYTES) === 0) return slot;
    }
  }

  function index(): void {
    let size = 16;
    while (size < 2 * count) size *= 2;
    slots = new Int32Array(2 * size);
    // The last version of a file is the one that counts.
    for (let i = 0; i < count; i++) slots[slotOf(records, i * RECORD)] = i + 1;
  }

  function append(record: Buffer): void {
    const end = count * RECORD;
    // What snapshots hold is not touched: they end before.
    if (end + RECORD > records.length) {
      const larger = Buffer.alloc(Math.max(2 * records.length, 64 * RECORD));
      records.copy(larger, 0, 0, end);
      records = larger;
    }
    record.copy(records, end);
    count += 1;
  }

  index();
  return {
    find(file) {
      if (count === 0) return "none";
      const record = recordOf(file);
      const found = slots[slotOf(record, 0)]! - 1;
      if (found < 0) return "none";
      const at = found * RECORD + PATH_BYTES;
      const same = record.compare(records, at, at + VERSION_BYTES, PATH_BYTES, PATH_BYTES + VERSION_BYTES);
      return same === 0 ? "this" : "other";
    },
    add(file) {
      if (count >= MOST_FILES)
        throw new AlluviumError(
          "ALV_CONFIG",
          `files: ${MOST_FILES} files were last written within the window, which is as many as are remembered: make \`window\` shorter, but longer than the longest upload`,
        );
      append(recordOf(file));
      if (2 * count > slots.length) index();
      else slots[slotOf(records, (count - 1) * RECORD)] = count;
    },
    forget(time, all) {
      const old = { records, count };
      const kept: number[] = [];
      for (let i = 0; i < old.count; i++) {
        const at = i * RECORD;
        const isLast = slots[slotOf(old.records, at)]! - 1 === i;
        const isNew = secondsAt(old.records, at) * 1000 > time;
        if ((!all && i < given) || (isNew && isLast)) kept.push(i);
      }
      records = Buffer.alloc(kept.length * RECORD);
      kept.forEach((i, to) => old.records.copy(records, to * RECORD, i * RECORD, (i + 1) * RECORD));
      count = kept.length;
      if (all) given = count;
      index();
    },
    snapshot: () => ({ count, records }),
  };
}

function recordOf({ path, tag, size, modified }: FileVersion): Buffer {
  const record = Buffer.alloc(RECORD);
  hash("sha256", path, "buffer").copy(record, 0, 0, PATH_BYTES);
  hash("sha256", `${size} ${tag}`, "buffer").copy(record, PATH_BYTES, 0, VERSION_BYTES);
  // Rounded up, so that nothing is forgotten too early.
  const seconds = Math.min(0xffffffff, Math.max(0, Math.ceil(modified.getTime() / 1000)));
  record.writeUInt32LE(seconds, PATH_BYTES + VERSION_BYTES);
  return record;
}

function secondsAt(records: Buffer, at: number): number {
  return records.readUInt32LE(at + PATH_BYTES + VERSION_BYTES);
}

/** What is remembered, as text. */
export function encodeDone({ count, records }: DoneSnapshot): string {
  return Buffer.from(records.buffer, records.byteOffset, count * RECORD).toString("base64");
}

/** What {@link encodeDone} wrote. */
export function decodeDone(text: string): DoneSnapshot {
  const records = new Uint8Array(Buffer.from(text, "base64"));
  return { count: Math.floor(records.length / RECORD), records };
}
