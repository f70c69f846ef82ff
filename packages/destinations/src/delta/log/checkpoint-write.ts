import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { createParquetEncoder } from "@alluvium/core/parquet";
import { columnsOf } from "../read/columns.ts";
import type { Action } from "./actions.ts";
import { checkpointBatch } from "./checkpoint-rows.ts";
import { checkpointSchema, type CheckpointForm } from "./checkpoint-schema.ts";
import { readChecksum, writeChecksum } from "./checksum.ts";
import { parseInterval } from "./interval.ts";
import { writeLastCheckpoint } from "./last-checkpoint.ts";
import { logFolder, versionText } from "./paths.ts";
import { isTrue } from "./protocol.ts";
import { readFiles, readHead, type Head } from "./replay.ts";
import { listSegment } from "./segment.ts";

const ROWS = 2000;
const TOMBSTONES_KEPT = 7 * 86_400_000;

/**
 * Writes the classic checkpoint of a version and moves `_last_checkpoint` to it. It streams: neither the list of files nor the
 * checkpoint is held whole where the store can rename. Two writers of the same checkpoint do each other no harm.
 */
export async function writeCheckpoint(store: ObjectStore, directory: string, version: number): Promise<void> {
  const segment = await listSegment(store, directory, { version });
  if (segment === undefined) throw new AlluviumError("ALV_TABLE_NOT_FOUND", `${directory} has no log`);
  if (segment.checkpoint?.version === version) return;
  // From the log itself, never from a checksum: what others build upon rests on the commits.
  const head = await readHead(store, directory, segment);
  const form = formOf(head);
  const schema = checkpointSchema(form);
  const name = `${versionText(version)}.checkpoint.parquet`;
  await using target = await openTarget(store, logFolder(directory), name);
  // The plainest encodings: checkpoints are read by everybody, also by old readers.
  const encoder = createParquetEncoder({ schema, sink: target.write, delta: false });
  let rows: Action[] = headActions(head);
  let size = 0;
  let numOfAddFiles = 0;
  let bytes = 0;
  const flush = async (): Promise<void> => {
    size += rows.length;
    await encoder.write(checkpointBatch(schema, rows, form));
    rows = [];
  };
  const kept =
    parseInterval(head.metadata.configuration["delta.deletedFileRetentionDuration"]) ?? TOMBSTONES_KEPT;
  const oldest = Date.now() - kept;
  for await (const { add, remove } of readFiles(store, directory, segment)) {
    if (add !== undefined) {
      rows.push({ add });
      numOfAddFiles += 1;
      bytes += add.size;
    } else if ((remove.deletionTimestamp ?? 0) > oldest) rows.push({ remove });
    if (rows.length >= ROWS) await flush();
  }
  await flush();
  const { bytes: sizeInBytes } = await encoder.close();
  await target.complete();
  await writeLastCheckpoint(store, directory, { version, size, sizeInBytes, numOfAddFiles });
  // A chain of checksums that broke (a crash, another writer) starts again here.
  const known = segment.checksum && (await readChecksum(store, segment.checksum));
  if (known === undefined)
    await writeChecksum(store, directory, version, { head, size: { files: numOfAddFiles, bytes } });
}

function formOf(head: Head): CheckpointForm {
  const { configuration } = head.metadata;
  return {
    json: isTrue(configuration["delta.checkpoint.writeStatsAsJson"] ?? "true"),
    struct: isTrue(configuration["delta.checkpoint.writeStatsAsStruct"]) ? columnsOf(head) : undefined,
  };
}

function headActions({ protocol, metadata, transactions, domains }: Head): Action[] {
  return [
    { protocol },
    { metaData: metadata },
    ...[...transactions.values()].map((txn) => ({ txn })),
    ...[...domains.values()].map((domainMetadata) => ({ domainMetadata })),
  ];
}

interface Target extends AsyncDisposable {
  readonly write: (bytes: Uint8Array) => Promise<void>;
  readonly complete: () => Promise<void>;
}

/** An object that appears whole: written aside and renamed, or held until it is put. */
async function openTarget(store: ObjectStore, folder: string, name: string): Promise<Target> {
  const path = `${folder}${name}`;
  if (!store.capabilities.rename) {
    const parts: Uint8Array[] = [];
    return {
      write: (bytes) => {
        parts.push(new Uint8Array(bytes));
        return Promise.resolve();
      },
      complete: () => store.put(path, Buffer.concat(parts)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  // A name that no reader takes for a part of the log.
  const aside = `${folder}.${name}.${randomUUID()}.tmp`;
  const writer = await store.create(aside);
  let placed = false;
  return {
    write: (bytes) => writer.write(bytes),
    complete: async () => {
      await writer.complete();
      await store.sync([aside]);
      placed = await store.rename(aside, path);
    },
    [Symbol.asyncDispose]: async () => {
      await writer[Symbol.asyncDispose]();
      if (!placed) await store.delete([aside]);
    },
  };
}
