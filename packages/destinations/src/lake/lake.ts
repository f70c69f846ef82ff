import { AlluviumError, type DestinationSession, type ObjectStore, type OpenContext } from "@alluvium/core";
import type { LakeContext } from "./context.ts";
import type { LakeFormat, OpenTableWriter, RewriteFiles } from "./contract.ts";
import { lakePaths } from "./paths.ts";
import { openSession } from "./session.ts";
import { defaultTiming, type LakeTiming } from "./timing.ts";

/** What makes a lake. */
export interface LakeOptions {
  /** The root of the lake: tables stand in it by name, state in `_alluvium`. Must be able to put conditionally. */
  readonly store: ObjectStore;
  /** How tables are read and loads become visible. */
  readonly format: LakeFormat;
  /** Writes data files. */
  readonly openWriter: OpenTableWriter;
  /** Writes uncommitted data files again when a column's type widens. */
  readonly rewrite: RewriteFiles;
  /** For tests and stores of special habits. @default {@link defaultTiming} */
  readonly timing?: Partial<LakeTiming>;
}

/**
 * The protocol of exactly once over an object store, for any table format: data files first, then one manifest that is created only
 * if absent (the commit point, with the cursors in it), then each table, then the table of loads; what a crash leaves, the next run
 * finishes. Returns what a destination's `open` is. Throws `ALV_STORE_UNSAFE` for a store that cannot put conditionally.
 *
 * @example
 * ```ts
 * const open = openLake({ store, format: deltaFormat, openWriter, rewrite });
 * const destination: Destination<"append" | "replace"> = { specVersion: 1, name: "delta", runner, capabilities, open };
 * ```
 */
export function openLake(options: LakeOptions): (context: OpenContext) => Promise<DestinationSession> {
  return async (open) => {
    const { store, format, openWriter, rewrite } = options;
    if (!store.capabilities.putIfAbsent)
      throw new AlluviumError(
        "ALV_STORE_UNSAFE",
        `${store.url} can neither link nor put conditionally, so that two runs could overwrite each other's commits: use a file system with hard links, an object store with conditional puts, or on S3 a logStore (dynamoDbLogStore)`,
      );
    const timing = { ...defaultTiming, ...options.timing };
    const { pipeline, runId, signal, budget, adopt, shared, emit } = open;
    const context: LakeContext = {
      store,
      format,
      openWriter,
      rewrite,
      timing,
      pipeline,
      paths: lakePaths(pipeline),
      runId,
      writer: crypto.randomUUID(),
      signal,
      budget,
      adopt,
      shared,
      emit: (event) => emit({ ...event, time: Date.now() }),
      loadsTable: undefined,
    };
    return openSession(context, open.leaseWait ?? timing.leaseWait);
  };
}
