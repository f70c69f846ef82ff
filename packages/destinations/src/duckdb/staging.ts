import { open, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Schema } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import {
  createParquetEncoder,
  openParquet,
  type ParquetEncoder,
  type ParquetSource,
} from "@alluvium/core/parquet";
import { isGone, ownProcess, type ProcessIdentity } from "../lake/process-identity.ts";
import type { SqlCall, SqlSegment } from "../sql/engine.ts";
import { quoteText } from "../sql/standard.ts";

/** Where a session stages rows: a folder of its own, with Parquet files that DuckDB reads. */
export interface StagingFolder extends AsyncDisposable {
  /** A name for a new file, which {@link read} deletes. */
  reserve(): Promise<string>;
  /** Opens a file for rows. */
  segment(schema: Schema): Promise<SqlSegment>;
  /** Reads a file that DuckDB wrote, then deletes it. */
  read(path: string, signal: AbortSignal | undefined): AsyncGenerator<Batch>;
}

const prefix = ".alluvium-staged-";
const owner = "owner.json";

/** The folder in which sessions make their own: beside the database where its path has no wildcards, which DuckDB would take for such. */
export function stagingParent(configured: string | undefined, database: string | undefined): string {
  if (configured !== undefined) return resolve(configured);
  const beside = database === undefined ? "" : dirname(resolve(database));
  return beside === "" || /[*?[\]{}]/.test(beside) ? tmpdir() : beside;
}

/**
 * Rows of one of DuckDB's own row groups. It takes each row group of a file as a unit that is to stay in order: one that fills a row group of the
 * table is compressed and written at once, smaller ones are kept in memory, put together and written again.
 */
const GROUP_ROWS = 122_880;

/**
 * Makes a session's folder when it is first needed. Each open file holds a row group in memory; where all together hold more than `budget`
 * bytes, the largest ends before it is full.
 */
export function openStaging(parent: string, budget: number): StagingFolder {
  let folder: Promise<string> | undefined;
  let made: string | undefined;
  let count = 0;
  const segments = new Set<Segment>();
  const make = async (): Promise<string> => {
    await mkdir(parent, { recursive: true });
    made = await mkdtemp(join(parent, prefix));
    await writeFile(join(made, owner), JSON.stringify(ownProcess()));
    return made;
  };
  const next = (): string => join(made ?? parent, `${++count}.parquet`);
  const relieve = async (): Promise<void> => {
    let held = 0;
    let largest: Segment | undefined;
    for (const segment of segments) {
      held += segment.held;
      if (segment.held > (largest?.held ?? 0)) largest = segment;
    }
    if (held > budget) await largest?.spill();
  };
  return {
    async reserve() {
      await (folder ??= make());
      return next();
    },
    async segment(schema) {
      await (folder ??= make());
      const segment = openSegment(next(), schema, budget, relieve, () => segments.delete(segment));
      segments.add(segment);
      return segment;
    },
    async *read(path, signal) {
      const file = await open(path);
      try {
        const { size } = await file.stat();
        const parquet = await openParquet(sourceOf(file, size), { name: path });
        yield* parquet.read(signal === undefined ? {} : { signal });
      } finally {
        await file.close();
        await rm(path, { force: true });
      }
    },
    async [Symbol.asyncDispose]() {
      await folder?.catch(() => {});
      for (const segment of segments) await segment.drop();
      if (made !== undefined) await rm(made, { recursive: true, force: true });
    },
  };
}

/** Deletes the folders of sessions whose process is gone. */
export async function sweepStaging(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    try {
      const who = JSON.parse(await readFile(join(path, owner), "utf8")) as Partial<ProcessIdentity>;
      if (isGone(who)) await rm(path, { recursive: true, force: true });
    } catch {
      // Just made, or just deleted, by another session.
    }
  }
}

interface Segment extends SqlSegment {
  /** Bytes in memory. */
  readonly held: number;
  /** Ends the row group. */
  spill(): Promise<void>;
}

function openSegment(
  path: string,
  schema: Schema,
  budget: number,
  relieve: () => Promise<void>,
  onDrop: () => void,
): Segment {
  let file: FileHandle | undefined;
  let encoder: ParquetEncoder | undefined;
  let bytes = 0;
  const start = async (): Promise<ParquetEncoder> => {
    const handle = await open(path, "wx", 0o600);
    file = handle;
    return createParquetEncoder({
      schema,
      // Read once, as a whole and soon: what makes files small or tells what is in them would cost more than it saves.
      compression: "none",
      dictionary: dictionaryColumns(schema),
      delta: "text",
      bounds: false,
      rowGroupRows: GROUP_ROWS,
      rowGroupBytes: budget,
      reusePieces: true,
      sink: async (piece) => {
        bytes += piece.length;
        for (let at = 0; at < piece.length;) at += (await handle.write(piece, at)).bytesWritten;
      },
    });
  };
  return {
    schema,
    relation: `read_parquet(${quoteText(path)}, hive_partitioning = false)`,
    get bytes() {
      return Math.max(bytes, encoder?.estimatedBytes ?? 0);
    },
    get held() {
      return encoder?.openGroupBytes ?? 0;
    },
    spill: async () => encoder?.endRowGroup(),
    async append(batch: Batch, call?: SqlCall) {
      call?.signal?.throwIfAborted();
      encoder ??= await start();
      await encoder.write(batch);
      await relieve();
    },
    async seal() {
      encoder ??= await start();
      await encoder.close();
      encoder = undefined;
      await file?.close();
      file = undefined;
    },
    async drop() {
      onDrop();
      if (file !== undefined) {
        await encoder?.[Symbol.asyncDispose]();
        await file.close();
        file = undefined;
      }
      await rm(path, { force: true });
    },
  };
}

/** Text repeats itself often enough, also within nested values; of values of a fixed width a dictionary is a detour. */
function dictionaryColumns({ fields }: Schema): Readonly<Record<string, boolean>> {
  const kinds = ["string", "json", "binary", "struct", "list", "map"];
  return Object.fromEntries(fields.map(({ name, type }) => [name, kinds.includes(type.kind)]));
}

function sourceOf(file: FileHandle, byteLength: number): ParquetSource {
  return {
    byteLength,
    async slice(start: number, end: number = byteLength) {
      const bytes = new Uint8Array(end - start);
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes.subarray(0, at);
    },
  };
}
