import { AlluviumError } from "@alluvium/core";
import pLimit from "p-limit";
import { placeChanges } from "./change-file.ts";
import type { LakeContext } from "./context.ts";
import type { DataFile, TableChange } from "./contract.ts";

const CONCURRENT = 8;

/**
 * Makes sure, before a roll-forward, that what a change names is there, and that nobody's vacuum takes it meanwhile: files older
 * than half the vacuum age are copied to new names. Files that become visible by a change of name keep theirs: no engine's vacuum knows their
 * folder, and where two names led to one final one, a late apply could bring back by the second what a later load took away. Throws `ALV_NOT_FOUND`
 * when a file vanished: the table is then parked.
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
  if (!old || file.final !== file.staged) return file;
  const id = crypto.randomUUID();
  const place = file.changes ? placeChanges(id) : context.format.place(id, file.partition);
  await store.copy(staged, `${directory}/${place.staged}`, { signal });
  return { ...file, ...place };
}
