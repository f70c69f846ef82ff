import type { LoadRecord, ParkedTable } from "../destination.ts";
import type { SchemaDocument } from "../state/schema-document.ts";
import type { PipelineState } from "../state/state.ts";
import type { PipelineDefinition, RunOptions } from "./definition.ts";
import type { ForgetOptions } from "./forget.ts";
import type { ManageOptions } from "./manage.ts";
import type { OutstandingOptions, QuarantinedRow } from "./quarantined.ts";
import type { ReplayOptions, ReplayReport } from "./replay.ts";
import type { RunReport } from "./report.ts";

/**
 * What carries out the calls of a pipeline. A destination brings it (`runner` of `@alluvium/core/run`), so that declaring resources and pipelines
 * loads none of it. The methods are those of a `Pipeline`, for a definition.
 */
export interface Runner {
  /** Loads what is new. */
  run(definition: PipelineDefinition, options?: RunOptions): Promise<RunReport>;
  /** What the pipeline remembers. */
  state(definition: PipelineDefinition, options?: ManageOptions): Promise<PipelineState | undefined>;
  /** Its loads, newest first. */
  history(
    definition: PipelineDefinition,
    options?: ManageOptions & { readonly limit?: number | undefined },
  ): Promise<readonly LoadRecord[]>;
  /** The schemas of its tables. */
  schema(definition: PipelineDefinition, options?: ManageOptions): Promise<SchemaDocument>;
  /** Tables that are set aside. */
  parked(definition: PipelineDefinition, options?: ManageOptions): Promise<readonly ParkedTable[]>;
  /** The rows that wait in the quarantine of a resource. */
  quarantine(
    definition: PipelineDefinition,
    options: ManageOptions & OutstandingOptions & { readonly resource: string },
  ): Promise<readonly QuarantinedRow[]>;
  /** Tries rows of a quarantine again. */
  replay(definition: PipelineDefinition, options: ReplayOptions): Promise<ReplayReport>;
  /** Takes rows out of a quarantine. */
  forget(definition: PipelineDefinition, options: ForgetOptions): Promise<number>;
  /** Settles a table that is set aside. */
  settle(
    definition: PipelineDefinition,
    table: string,
    how: "retry" | "skip" | "resync",
    options?: ManageOptions,
  ): Promise<void>;
}
