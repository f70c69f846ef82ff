import { AlluviumError } from "@alluvium/core";
import { closing } from "../../lake/closing.ts";
import type { AddFile, Protocol } from "../log/actions.ts";
import { decodePath, fileKey } from "../log/paths.ts";
import { checkMayRemove, checkReadable, readerFeatures, writerFeatures } from "../log/protocol.ts";
import { readFiles } from "../log/replay.ts";
import type { TableState } from "../log/state.ts";
import { resolveFile } from "../read/data-file.ts";
import { vectorPath } from "../read/deletion-vector.ts";
import { versionAt } from "../read/version-at.ts";
import type { NextMetadata } from "../write/table-metadata.ts";
import { bytesOf, type CareChange } from "./change.ts";
import { commitChange } from "./commit.ts";
import type { RestoreOptions, RestoreResult } from "./restore-options.ts";
import { openRewind } from "./rewind.ts";
import { careContext, openToRead, type CareContext, type CareTarget } from "./target.ts";

const AT_ONCE = 8;
const NAMED = 10;

/** Makes an older version current again, with a new commit. */
export async function restoreTable(target: CareTarget, options: RestoreOptions): Promise<RestoreResult> {
  const context = careContext(target, options);
  const restored = await versionOf(context, options);
  const wanted = await openToRead(context, restored);
  checkReadable(wanted.protocol, wanted.metadata, `version ${restored} of the table at ${context.url}`);
  if (options.rewind !== true) return { ...(await restoreFiles(context, wanted)), rewound: undefined };
  // While the lease is held no run goes on from the cursor that is about to move.
  return closing(await openRewind(context, wanted), async (rewind) => {
    const result = await restoreFiles(context, wanted);
    return { ...result, rewound: await rewind.commit() };
  });
}

async function versionOf(context: CareContext, { version, timestamp }: RestoreOptions): Promise<number> {
  if ((version === undefined) === (timestamp === undefined))
    throw new AlluviumError("ALV_CONFIG", "restore: give a version or a timestamp");
  if (version !== undefined) {
    if (!Number.isSafeInteger(version) || version < 0)
      throw new AlluviumError("ALV_CONFIG", `restore: version ${version} is not a whole number from 0 on`);
    return version;
  }
  if (Number.isNaN(timestamp!.getTime()))
    throw new AlluviumError("ALV_CONFIG", "restore: timestamp is not a valid Date");
  const { store, directory, signal } = context;
  return versionAt(store, directory, await openToRead(context), timestamp!, signal);
}

async function restoreFiles(
  context: CareContext,
  wanted: TableState,
): Promise<Omit<RestoreResult, "rewound">> {
  let change: CareChange | undefined;
  const version = await commitChange(context, async (state) => {
    checkMayRemove(state.metadata, `the table at ${context.url}`);
    if (state.metadata.id !== wanted.metadata.id)
      throw new AlluviumError(
        "ALV_TABLE_REPLACED",
        `version ${wanted.version} of the table at ${context.url} has the id ${wanted.metadata.id}, its newest ${state.metadata.id}: it is another table`,
      );
    change = await changeTo(context, state, wanted);
    return change;
  });
  const { added = [], removed = [] } = version === undefined ? {} : change!;
  return { restored: wanted.version, version, filesAdded: added.length, filesRemoved: removed.length };
}

async function changeTo(
  context: CareContext,
  state: TableState,
  wanted: TableState,
): Promise<CareChange | undefined> {
  const { store, directory, signal } = context;
  const filesOf = async function* ({ segment }: TableState): AsyncGenerator<AddFile> {
    for await (const { add } of readFiles(store, directory, segment, signal))
      if (add !== undefined) yield add;
  };
  // Keys of what is there now, and whole only what differs.
  const current = new Set<string>();
  for await (const add of filesOf(state)) current.add(fileKey(add));
  const added: AddFile[] = [];
  let bytes = 0;
  let files = 0;
  for await (const add of filesOf(wanted)) {
    files += 1;
    bytes += add.size;
    if (!current.delete(fileKey(add))) added.push(add);
  }
  const removed: AddFile[] = [];
  if (current.size > 0)
    for await (const add of filesOf(state)) if (current.has(fileKey(add))) removed.push(add);
  await refuseMissing(context, wanted, added);
  const next = nextOf(state, wanted);
  if (added.length === 0 && removed.length === 0 && !next.metadataChanged) return undefined;
  return {
    operation: "RESTORE",
    parameters: { version: String(wanted.version) },
    metrics: {
      tableSizeAfterRestore: bytes,
      numOfFilesAfterRestore: files,
      numRemovedFiles: removed.length,
      numRestoredFiles: added.length,
      removedFilesSize: bytesOf(removed),
      restoredFilesSize: bytesOf(added),
    },
    dataChange: true,
    removed,
    added,
    // The table is to hold these rows and no others.
    reads: () => true,
    next,
    written: [],
  };
}

/** Refuses to bring back files that a vacuum deleted. */
async function refuseMissing(
  { store, directory, signal, url }: CareContext,
  wanted: TableState,
  added: readonly AddFile[],
): Promise<void> {
  const missing: string[] = [];
  const known = new Set<string>();
  const look = async (path: string): Promise<void> => {
    if (known.has(path)) return;
    known.add(path);
    const file = await resolveFile(store, directory, path);
    if ((await file.store.head(file.path, { signal })) === undefined) missing.push(path);
  };
  for (let start = 0; start < added.length; start += AT_ONCE)
    await Promise.all(
      added.slice(start, start + AT_ONCE).flatMap(({ path, deletionVector }) => {
        const vector = deletionVector
          ? vectorPath(deletionVector, `the deletion vector of ${path}`)
          : undefined;
        return [look(decodePath(path)), ...(vector === undefined ? [] : [look(vector)])];
      }),
    );
  if (missing.length === 0) return;
  const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : "";
  throw new AlluviumError(
    "ALV_NOT_FOUND",
    `version ${wanted.version} of the table at ${url} cannot be restored: ${missing.slice(0, NAMED).join(", ")}${more} ` +
      "are gone (a vacuum deleted them). Restore a newer version; nothing was changed.",
  );
}

/**
 * Columns and partitioning go back with the rows. Properties stay: they say who owns the table and how it is written from now on. The
 * protocol never shrinks, since files that need its features may come back.
 */
function nextOf(state: TableState, wanted: TableState): NextMetadata {
  const protocol = united(state.protocol, wanted.protocol);
  const { schemaString, partitionColumns } = wanted.metadata;
  const metadataChanged =
    schemaString !== state.metadata.schemaString ||
    JSON.stringify(partitionColumns) !== JSON.stringify(state.metadata.partitionColumns);
  return {
    protocol,
    metadata: metadataChanged ? { ...state.metadata, schemaString, partitionColumns } : state.metadata,
    schema: metadataChanged ? wanted.schema : state.schema,
    protocolChanged: protocol !== state.protocol,
    metadataChanged,
  };
}

function united(now: Protocol, then: Protocol): Protocol {
  const covers = (mine: readonly string[], theirs: readonly string[]): boolean =>
    theirs.every((feature) => mine.includes(feature));
  if (
    now.minReaderVersion >= then.minReaderVersion &&
    now.minWriterVersion >= then.minWriterVersion &&
    covers(readerFeatures(now), readerFeatures(then)) &&
    (now.minWriterVersion >= 7 || covers(writerFeatures(now), writerFeatures(then)))
  )
    return now;
  const both = (of: (protocol: Protocol) => readonly string[]): readonly string[] => [
    ...new Set([...of(now), ...of(then)]),
  ];
  return {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: both(readerFeatures),
    writerFeatures: both(writerFeatures),
  };
}
