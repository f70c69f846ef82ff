import type { ContractOption } from "../contract.ts";
import type { Destination } from "../destination.ts";
import type { QuarantineLimits } from "../quarantine-limits.ts";
import type { Source } from "../stream.ts";
import type { SchemaDocument } from "../state/schema-document.ts";
import type { RunEvent } from "./events.ts";

/** Everything that stays the same from run to run of a pipeline. `pipeline()` builds it; `run` carries it out. */
export interface PipelineDefinition {
  /** Names the pipeline's state at the destination: renaming it starts another pipeline. */
  readonly name: string;
  /** A lane has its own sequence of loads and its own state, for backfills or hosts that run side by side. @default "main" */
  readonly lane?: string | undefined;
  /** Where rows come from. */
  readonly source: Source;
  /** Where rows go. */
  readonly destination: Destination;
  /** Bytes that the whole run may hold at once: read ahead, on the way, and not yet written. @default 100 663 296 (96 MiB) */
  readonly budget?: number | undefined;
  /** Take over tables that another pipeline wrote: by name, or `true` for all. @default false */
  readonly adopt?: boolean | readonly string[] | undefined;
  /** Write beside other pipelines into these tables: by name, or `true` for all. @default false */
  readonly shared?: boolean | readonly string[] | undefined;
  /**
   * What the tables may be: what `schema()` of this pipeline, or of its twin, gave. A table, column or type that is not in it is
   * `ALV_SCHEMA_CONFLICT`, by name, and nothing of it is committed; columns that are missing are reported. @default what each resource allows
   */
  readonly contract?: SchemaDocument | undefined;
  /** How much of each table may be refused into its quarantine in a run, where its resource says nothing of it. @default no limit */
  readonly quarantine?: QuarantineLimits | undefined;
  /** How many streams are read at once. @default 4 */
  readonly concurrency?: number | undefined;
  /** Whether each row gets the id of its load in `_alv_load_id`. @default true */
  readonly loadIdColumn?: boolean | undefined;
  /** Milliseconds that a live run of the same pipeline and lane is waited out. @default the destination's, 20 000 for lakes */
  readonly leaseWait?: number | undefined;
  /** Told of every event of every run. What it throws is ignored: a broken log must not break a load. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

/** What a refresh forgets: the cursor; the rows as well; the columns as well. */
export type Refresh = "state" | "data" | "tables";

/** What can differ from run to run. */
export interface RunOptions<Names extends string = string> {
  /** Read these resources only. @default all */
  readonly only?: readonly Names[] | undefined;
  /**
   * Sample about so many rows of each resource into `report.tables.<name>.sample`. Nothing is written, no cursor moves, and the
   * destination is not even opened; streams are read from their start (or from `since`).
   */
  readonly limit?: number | undefined;
  /**
   * Backfill: read the cursor column's values from here on (inclusive) instead of from the stored cursor, which stays where it is.
   * An append table takes a backfill only with `replaceWhere`.
   */
  readonly since?: Date | bigint | number | string | undefined;
  /** Backfill: read up to here (exclusive). */
  readonly until?: Date | bigint | number | string | undefined;
  /**
   * Reads the resources of this run (all, or those in `only`) again from their start. `"state"`: their cursors are forgotten, and the rows that are
   * there stay; a table that appends would have its rows twice, so it is refused. `"data"`: the first commit takes their rows away, too.
   * `"tables"`: and their columns, so that types, names and keys are decided anew. Until the first commit nothing has changed; after it runs go on as usual.
   * @default nothing is forgotten
   */
  readonly refresh?: Refresh | undefined;
  /**
   * Finds out what the run would do and writes nothing: `report.plan` has each table with its new, widened and missing columns, what would be read,
   * and the statements that define it, where the destination has such; printed, the report shows them. No lease is taken and no cursor moves. Rows
   * are read (some 1000 a table) only where the source does not describe its columns. @default false
   */
  readonly dryRun?: boolean | undefined;
  /**
   * What happens in this run where rows bring what their tables do not have. For what it names it comes before the contracts of resources and
   * sources: `{ columns: "evolve" }` lets new columns in once. @default what the resources say
   */
  readonly contract?: ContractOption | undefined;
  /** How much of each table may be refused into its quarantine in this run: before what resources and the pipeline say. @default what they say */
  readonly quarantine?: QuarantineLimits | undefined;
  /** Ends the run at once: what is committed stays, nothing more is committed, and the run rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * When to stop reading. The streams are cut there, what they read up to their last sealed checkpoint is committed (which takes
   * its time), and the run resolves with `complete: false`.
   */
  readonly deadline?: Date | undefined;
  /** Id of the run, for hosts that have one. @default a new UUID of version 7 */
  readonly runId?: string | undefined;
  /** Told of every event of this run, after the pipeline's own. What it throws is ignored. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  /** Bytes after which a commit is due at the next checkpoints. @default 1 073 741 824 (1 GiB) */
  readonly commitBytes?: number | undefined;
  /** Milliseconds after which a commit is due at the next checkpoints. @default 300 000 (5 minutes) */
  readonly commitInterval?: number | undefined;
  /** How often and how soon a stream that failed is read again. */
  readonly retry?: RetryOptions | undefined;
}

/**
 * How a failed stream is tried again: exponential backoff with full jitter. Errors that may pass are retried; for others the stream is read once more, up to its
 * last checkpoint before them.
 */
export interface RetryOptions {
  /** Attempts without progress before the stream is given up. 1: never again. @default 5 */
  readonly attempts?: number | undefined;
  /** The first wait lasts between 0 and so many milliseconds; each further one may last twice as long. @default 500 */
  readonly minDelay?: number | undefined;
  /** No wait is longer, in milliseconds. @default 30 000 */
  readonly maxDelay?: number | undefined;
}
