import type { Action, AddFile } from "./actions.ts";
import { fileKey } from "./paths.ts";

/** What a commit has read and does, as far as others can get in its way. */
export interface Footprint {
  /** The application ids whose transactions it sets. */
  readonly appIds: ReadonlySet<string>;
  /** Logical files that it read or removes, by key; empty for a blind append. */
  readonly files: ReadonlySet<string>;
  /** Whether a file that another writer added should have been read. */
  readonly reads: (add: AddFile) => boolean;
}

/** A blind append: no file of the table matters to it. */
export function blindFootprint(appId: string): Footprint {
  return { appIds: new Set([appId]), files: new Set(), reads: () => false };
}

/**
 * Why a commit that won in the meantime is in the way of ours; `undefined`: it is not, and ours may follow it. Serializable: added
 * files that we should have read count, blind appends too.
 *
 * Source: the rules of Spark's conflict checker (ConflictChecker.scala in github.com/delta-io/delta) and of delta-rs, its port.
 */
export function conflictWith(action: Action, footprint: Footprint): string | undefined {
  const { protocol, metaData, txn, add, remove } = action;
  if (protocol) return "changed the protocol";
  if (metaData) return "changed the metadata";
  if (txn && footprint.appIds.has(txn.appId)) return `set transaction ${txn.appId}`;
  if (add && footprint.reads(add)) return `added ${add.path}`;
  // A file that we remove was read, too. The path alone says nothing: another deletion vector is another logical file, but
  // whoever gives a file a new vector removes the one that we know.
  if (remove && footprint.files.has(fileKey(remove))) return `removed ${remove.path}`;
  return undefined;
}
