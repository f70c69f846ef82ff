import { AlluviumError } from "@alluvium/core";
import pLimit from "p-limit";
import { placeChanges } from "./change-file.ts";
import { closing } from "./closing.ts";
import type { LakeContext } from "./context.ts";
import type { DataFile, LakeFormat, PartitionValues, TableChange } from "./contract.ts";

const COPY_BYTES = 8 * 1024 * 1024;
const CONCURRENT = 8;

/**
 * Makes sure, before a roll-forward, that what a change names is there, and that nobody's vacuum takes it meanwhile: files older
 * than half the vacuum age are copied to new names. Throws `ALV_NOT_FOUND` when a file vanished: the table is then parked.
 */
export async function secureFiles(
  context: LakeContext,
  change: TableChange,
  old: boolean,
): Promise<TableChange> {
  const limit = pLimit(CONCURRENT);
  const results = await Promise.allSettled(
    change.files.map((file) => limit(() => secureFile(context, change.directory, file, old))),
  );
  const files = results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
  if (!files.some((file, index) => file !== change.files[index])) return change;
  await context.store.sync(files.map((file) => `${change.directory}/${file.staged}`));
  return { ...change, files };
}

async function secureFile(
  context: LakeContext,
  directory: string,
  file: DataFile,
  old: boolean,
): Promise<DataFile> {
  const { store, signal } = context;
  const staged = `${directory}/${file.staged}`;
  const info = await store.head(staged, { signal });
  if (info === undefined) {
    // Where files become visible by a change of name, an earlier apply may have done this one.
    if (
      file.final !== file.staged &&
      (await store.head(`${directory}/${file.final}`, { signal })) !== undefined
    )
      return file;
    throw new AlluviumError(
      "ALV_NOT_FOUND",
      `the data file ${staged} of a committed load is gone: something deleted it before the load was applied (another engine's VACUUM with a short retention?)`,
    );
  }
  if (info.size !== file.size)
    throw new AlluviumError(
      "ALV_FILE_INVALID",
      `the data file ${staged} has ${info.size} bytes, its load says ${file.size}`,
    );
  if (!old) return file;
  const place = file.changes
    ? placeChanges(crypto.randomUUID())
    : placeAnew(context.format, file.partition, file);
  await copyObject(context, staged, `${directory}/${place.staged}`, info.size);
  return { ...file, ...place };
}

/**
 * A new name for a file of a committed load. Where a file becomes visible by a change of name, the visible name is the one that
 * the manifest fixed: with another one a second apply would double its rows.
 */
export function placeAnew(
  format: LakeFormat,
  partition: PartitionValues,
  fixed: { readonly staged: string; readonly final: string },
): { readonly staged: string; readonly final: string } {
  const place = format.place(crypto.randomUUID(), partition);
  return fixed.staged === fixed.final ? place : { staged: place.staged, final: fixed.final };
}

async function copyObject(context: LakeContext, from: string, to: string, size: number): Promise<void> {
  const { store, signal } = context;
  await closing(await store.create(to, { signal }), async (writer) => {
    for (let start = 0; start < size; start += COPY_BYTES) {
      const end = Math.min(size, start + COPY_BYTES);
      await writer.write(await store.get(from, { range: { start, end }, signal }));
    }
    await writer.complete();
  });
}
