import type { EventBody, ObjectStore, PipelineId } from "@alluvium/core";
import type { LakeFormat, OpenTableWriter, RewriteFiles } from "./contract.ts";
import type { LakePaths } from "./paths.ts";
import type { LakeTiming } from "./timing.ts";

/** What every part of the protocol works with: one opened session of one pipeline and lane. */
export interface LakeContext {
  readonly store: ObjectStore;
  readonly format: LakeFormat;
  readonly openWriter: OpenTableWriter;
  readonly rewrite: RewriteFiles;
  readonly timing: LakeTiming;
  readonly pipeline: PipelineId;
  readonly paths: LakePaths;
  readonly runId: string;
  /** Random id of this session: tells our own manifest from one that somebody else wrote with the same load id. */
  readonly writer: string;
  readonly signal: AbortSignal;
  readonly budget: number;
  readonly adopt: boolean | readonly string[];
  readonly shared: boolean | readonly string[];
  readonly emit: (event: EventBody) => void;
  /** The id of the table of loads once it is known, so that not every load looks for it. */
  loadsTable: string | undefined;
}

/** Whether an option that names tables (or `true`: all) holds `table`. */
export function names(option: boolean | readonly string[], table: string): boolean {
  return typeof option === "boolean" ? option : option.includes(table);
}
