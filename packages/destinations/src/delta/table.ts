import { AlluviumError, type ObjectStore } from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { openStore } from "../lake/options.ts";
import type { ChangeBatch, ChangesOptions } from "./changes/options.ts";
import type { DeleteOptions, DeleteResult } from "./maintain/delete-options.ts";
import type { OptimizeOptions, OptimizeResult } from "./maintain/optimize-options.ts";
import { checkReadable } from "./log/protocol.ts";
import { loadState, type TableState } from "./log/state.ts";
import { readHistory, type HistoryEntry } from "./read/history.ts";
import type { RestoreOptions, RestoreResult } from "./maintain/restore-options.ts";
import type { VacuumOptions, VacuumResult } from "./maintain/vacuum-options.ts";
import type { VerifyOptions, VerifyResult } from "./maintain/verify-options.ts";
import { openSnapshot, type DeltaSnapshot, type ScanOptions } from "./read/snapshot.ts";
import { versionAt } from "./read/version-at.ts";

/** A Delta table to read. */
export interface DeltaTable {
  /** Where it is, for people. */
  readonly url: string;
  /**
   * Opens a version: the newest, one by number, or the newest at or before a time. Throws `ALV_TABLE_NOT_FOUND`, `ALV_NOT_FOUND` for
   * a version that is not (or no longer) there, `ALV_TABLE_FEATURE` naming what cannot be read, `ALV_FILE_INVALID` for a damaged log.
   */
  snapshot(options?: SnapshotOptions): Promise<DeltaSnapshot>;
  /** The rows of a version (the newest, unless it says which), in batches: `snapshot(…)` and its `scan(…)` in one. */
  scan(options?: ScanOptions & SnapshotOptions): AsyncIterable<Batch>;
  /** The commits, newest first, as far back as the log reaches. */
  history(options?: { readonly limit?: number; readonly signal?: AbortSignal }): AsyncIterable<HistoryEntry>;
  /**
   * What versions did to the rows: which came, went and changed, as far back as the log and its files reach. Files of a change data
   * feed are used where the table has them; otherwise versions are compared by their files and deletion vectors. Rewrites such as
   * `optimize` change nothing and are left out.
   *
   * @example
   * ```ts
   * for await (const { version, kind, batch } of deltaTable("./lake/orders").changes({ from: 12, key: ["id"] }))
   *   console.log(version, kind, batch.length);
   * ```
   */
  changes(options: ChangesOptions): AsyncIterable<ChangeBatch>;
  /**
   * Puts small files together, writes files with many deleted rows again without them and, if asked, sorts rows. The table holds the same
   * rows afterwards. Loads and other writers may go on: appends never conflict, and what another commit changed meanwhile is worked out
   * again. The old files stay until `vacuum`.
   */
  optimize(options?: OptimizeOptions): Promise<OptimizeResult>;
  /**
   * Deletes the rows that satisfy all conditions, in one commit: by deletion vectors where the table has them, else by writing the files
   * that hold such rows again. With `purge`, for requests of erasure, their bytes go as well.
   */
  delete(options: DeleteOptions): Promise<DeleteResult>;
  /**
   * Makes an older version current again with a new commit, as long as its files are there. With `rewind` the cursor of the pipeline
   * that loads the table goes back as well.
   */
  restore(options: RestoreOptions): Promise<RestoreResult>;
  /**
   * Deletes the files that no version within the retention needs: data files and deletion vectors that went from the table, what stopped
   * writers left behind, and the log before its own retention. What committed loads are about to add stays, however old.
   */
  vacuum(options?: VacuumOptions): Promise<VacuumResult>;
  /**
   * Looks whether the table is as its log says: replays the log, compares checksums and the checkpoint with it, looks for each file and
   * deletion vector, and with `deep` reads every row. Damage is a finding, never an error.
   */
  verify(options?: VerifyOptions): Promise<VerifyResult>;
}

/** Which version of a table. */
export interface SnapshotOptions {
  /** This version. @default the newest */
  readonly version?: number;
  /** The version that was the newest at this time. */
  readonly timestamp?: Date;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/**
 * A Delta table, whoever wrote it, for reading. Makes no connection and reads nothing until one of its functions is called.
 *
 * @param at Its folder as a path or `file:` URL, or a store and the table's path in it.
 *
 * @example
 * ```ts
 * let count = 0;
 * for await (const batch of deltaTable("./lake/orders").scan({ columns: ["id", "total"], where: [{ column: "country", op: "=", value: "DE" }] }))
 *   console.log(batch.length);
 * ```
 */
export function deltaTable(
  at: string | URL | { readonly store: ObjectStore; readonly path: string },
): DeltaTable {
  const given = typeof at === "object" && at !== null && "store" in at;
  const store = given ? at.store : openStore(at, "deltaTable");
  const directory = given ? at.path.replace(/\/+$/, "") : "";
  const url = directory === "" ? store.url : `${store.url.replace(/\/$/, "")}/${directory}`;
  const target = { store, directory, url };
  const open = async (version: number | undefined, signal: AbortSignal | undefined): Promise<TableState> => {
    const state = await loadState(store, directory, {
      ...(version !== undefined && { version }),
      ...(signal && { signal }),
    });
    if (state === undefined)
      throw new AlluviumError(
        "ALV_TABLE_NOT_FOUND",
        `there is no Delta table at ${url}: it has no _delta_log`,
      );
    checkReadable(state.protocol, state.metadata, `the table at ${url}`);
    return state;
  };
  const snapshot = async ({ version, timestamp, signal }: SnapshotOptions = {}): Promise<DeltaSnapshot> => {
    if (version !== undefined && timestamp !== undefined)
      throw new AlluviumError("ALV_CONFIG", "snapshot: give a version or a timestamp, not both");
    if (version !== undefined && (!Number.isSafeInteger(version) || version < 0))
      throw new AlluviumError("ALV_CONFIG", `snapshot: version ${version} is not a whole number from 0 on`);
    if (timestamp !== undefined && Number.isNaN(timestamp.getTime()))
      throw new AlluviumError("ALV_CONFIG", "snapshot: timestamp is not a valid Date");
    const newest = await open(version, signal);
    if (timestamp === undefined) return openSnapshot(store, directory, newest);
    const chosen = await versionAt(store, directory, newest, timestamp, signal);
    return openSnapshot(store, directory, chosen === newest.version ? newest : await open(chosen, signal));
  };
  return {
    url,
    snapshot,
    async *scan(options = {}) {
      yield* (await snapshot(options)).scan(options);
    },
    async *history({ limit = Number.POSITIVE_INFINITY, signal } = {}) {
      const { version } = await open(undefined, signal);
      yield* readHistory(store, directory, version, limit, signal);
    },
    async *changes(options) {
      const { readChanges } = await import("./changes/read.ts");
      yield* readChanges(store, directory, await open(options.to, options.signal), options);
    },
    // Most programs load and read only: what takes care of tables is loaded with its first use.
    optimize: async (options = {}) => (await import("./maintain/optimize.ts")).optimizeTable(target, options),
    delete: async (options) => (await import("./maintain/delete.ts")).deleteRows(target, options),
    restore: async (options) => (await import("./maintain/restore.ts")).restoreTable(target, options),
    vacuum: async (options = {}) => (await import("./maintain/vacuum.ts")).vacuumTable(target, options),
    verify: async (options = {}) => (await import("./maintain/verify.ts")).verifyTable(target, options),
  };
}
