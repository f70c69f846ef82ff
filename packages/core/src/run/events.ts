import type { ErrorCode } from "../errors.ts";
import type { TableReceipt } from "../destination.ts";
import type { SchemaChange } from "../schema/schema-change.ts";
import type { Refresh } from "./definition.ts";
import type { CheckResult } from "../quality/check-result.ts";
import type { RunReport } from "./report.ts";

/**
 * What happens in a run, in order: the only source for logs, progress, metrics and lineage. Nothing else prints.
 * `time` is milliseconds since 1970.
 */
export type RunEvent = EventBody & { readonly time: number };

/** An event before its time is added. */
export type EventBody =
  | {
      readonly type: "runStarted";
      readonly pipeline: string;
      readonly lane: string;
      readonly runId: string;
      /** The names in `only`; empty: all. The source has not been opened yet. */
      readonly resources: readonly string[];
    }
  | { readonly type: "waiting"; readonly reason: string; readonly until?: Date }
  | { readonly type: "recovered"; readonly loadId: string; readonly tables: readonly string[] }
  | {
      readonly type: "streamStarted";
      readonly stream: string;
      readonly tables: readonly string[];
      readonly since: string | undefined;
      readonly attempt: number;
      readonly expectedRows?: number;
      readonly snapshot?: string;
    }
  | {
      readonly type: "batchRead";
      readonly stream: string;
      readonly table: string;
      readonly rows: number;
      readonly bytes: number;
    }
  /** Rows of a table were refused and are in its quarantine, which the next commit takes with the table's rows. */
  | {
      readonly type: "rowsQuarantined";
      readonly stream: string;
      readonly table: string;
      readonly quarantine: string;
      readonly rows: number;
    }
  /** How a check came out: before the commit for each load, of a load that does not happen too; after it once a run. */
  | { readonly type: "checkFinished"; readonly table: string; readonly check: CheckResult }
  | { readonly type: "checkpoint"; readonly stream: string }
  | { readonly type: "streamFinished"; readonly stream: string; readonly rows: number }
  | {
      readonly type: "retry";
      readonly stream: string;
      readonly attempt: number;
      readonly delay: number;
      readonly code: ErrorCode | undefined;
      readonly message: string;
    }
  | { readonly type: "schemaChanged"; readonly table: string; readonly changes: readonly SchemaChange[] }
  | {
      readonly type: "fileWritten";
      readonly table: string;
      readonly path: string;
      readonly rows: number;
      readonly bytes: number;
    }
  | {
      readonly type: "loadCommitted";
      readonly loadId: string;
      readonly sequence: number;
      readonly tables: readonly TableReceipt[];
    }
  /** The table holds what this run has read from the start on, as `refresh` asked; its further rows follow. */
  | { readonly type: "tableRefreshed"; readonly table: string; readonly refresh: Refresh }
  | { readonly type: "tableParked"; readonly table: string; readonly reason: string }
  /** Small files were put together and deleted rows left out, after a load; the table's rows are the same. */
  | {
      readonly type: "tableOptimized";
      readonly table: string;
      readonly filesRemoved: number;
      readonly filesAdded: number;
      readonly rowsPurged: number;
    }
  | { readonly type: "acknowledged"; readonly stream: string }
  | { readonly type: "acknowledgeFailed"; readonly stream: string; readonly message: string }
  | {
      readonly type: "warning";
      readonly code: ErrorCode | undefined;
      readonly table?: string;
      readonly message: string;
    }
  | { readonly type: "runFinished"; readonly report: RunReport };
