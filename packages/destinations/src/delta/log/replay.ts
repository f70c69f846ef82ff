import { AlluviumError, type ObjectStore } from "@alluvium/core";
import type { DeltaStruct } from "../types.ts";
import type {
  Action,
  AddFile,
  DomainMetadata,
  Metadata,
  Protocol,
  RemoveFile,
  Transaction,
} from "./actions.ts";
import { readCheckpoint } from "./checkpoint-read.ts";
import { readActions } from "./codec.ts";
import { fileKey, logFolder } from "./paths.ts";
import type { LogEntry, Segment } from "./segment.ts";

/** What a version of a table is, its files apart. */
export interface Head {
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  /** `metadata.schemaString`, read. */
  readonly schema: DeltaStruct;
  readonly transactions: ReadonlyMap<string, Transaction>;
  readonly domains: ReadonlyMap<string, DomainMetadata>;
}

/** A file action that counts: it is the newest of its logical file. */
export type FileAction =
  | { readonly add: AddFile; readonly remove?: undefined }
  | { readonly remove: RemoveFile; readonly add?: undefined };

/** Reads everything but the files, newest first, so that each thing is taken where it was last said. */
export async function readHead(
  store: ObjectStore,
  directory: string,
  segment: Segment,
  signal?: AbortSignal,
): Promise<Head> {
  let protocol: Protocol | undefined;
  let metadata: Metadata | undefined;
  const transactions = new Map<string, Transaction>();
  const domains = new Map<string, DomainMetadata>();
  const take = (action: Action): void => {
    protocol ??= action.protocol;
    metadata ??= action.metaData;
    const { txn, domainMetadata } = action;
    if (txn && !transactions.has(txn.appId)) transactions.set(txn.appId, txn);
    if (domainMetadata && !domains.has(domainMetadata.domain))
      domains.set(domainMetadata.domain, domainMetadata);
  };
  for (const file of newestFirst(segment))
    for await (const action of readActions(store, file, signal)) take(action);
  if (segment.checkpoint !== undefined)
    for await (const action of readCheckpoint(store, directory, segment.checkpoint, "head", signal))
      take(action);
  for (const [domain, { removed }] of domains) if (removed) domains.delete(domain);
  const place = `version ${segment.version} of ${logFolder(directory)}`;
  if (protocol === undefined) throw incomplete(place, "protocol");
  if (metadata === undefined) throw incomplete(place, "metaData");
  return { protocol, metadata, schema: parseSchema(metadata, place), transactions, domains };
}

function incomplete(place: string, action: string): AlluviumError {
  return new AlluviumError(
    "ALV_FILE_INVALID",
    `${place} has no ${action} action, so the log is damaged. Restore it from a backup.`,
  );
}

/** The schema in a `metaData` action. */
export function parseSchema(metadata: Metadata, place: string): DeltaStruct {
  let cause: unknown;
  try {
    const schema = JSON.parse(metadata.schemaString) as DeltaStruct;
    if (schema.type === "struct" && Array.isArray(schema.fields)) return schema;
  } catch (error) {
    cause = error;
  }
  throw new AlluviumError("ALV_FILE_INVALID", `the schemaString of ${place} is not a Delta schema`, {
    cause,
  });
}

/**
 * The table's files and tombstones, newest first. Memory holds the keys of what the commits since the checkpoint touched, never
 * the whole list.
 */
export async function* readFiles(
  store: ObjectStore,
  directory: string,
  segment: Segment,
  signal?: AbortSignal,
): AsyncGenerator<FileAction> {
  const seen = new Set<string>();
  for (const file of newestFirst(segment)) {
    for await (const action of readActions(store, file, signal)) {
      const found = fileAction(action);
      if (found === undefined) continue;
      const key = fileKey(found.add ?? found.remove);
      if (seen.has(key)) continue;
      seen.add(key);
      yield found;
    }
  }
  if (segment.checkpoint === undefined) return;
  for await (const action of readCheckpoint(store, directory, segment.checkpoint, "files", signal)) {
    const found = fileAction(action);
    if (found !== undefined && !(seen.size > 0 && seen.has(fileKey(found.add ?? found.remove)))) yield found;
  }
}

function fileAction({ add, remove }: Action): FileAction | undefined {
  if (add) return { add };
  return remove ? { remove } : undefined;
}

/** Commits, or compactions in place of several, from the newest back. */
function* newestFirst({ commits, compactions }: Segment): Generator<LogEntry> {
  for (let index = commits.length - 1; index >= 0;) {
    const { version } = commits[index]!;
    let widest: (LogEntry & { readonly end: number }) | undefined;
    for (const compaction of compactions)
      if (compaction.end === version && (widest === undefined || compaction.version < widest.version))
        widest = compaction;
    yield widest ?? commits[index]!;
    index -= widest === undefined ? 1 : version - widest.version + 1;
  }
}
