import type { Destination, LoadRecord, ParkedTable } from "./destination.ts";
import { AlluviumError } from "./errors.ts";
import type { PipelineDefinition, RunOptions } from "./run/definition.ts";
import type { ForgetOptions } from "./run/forget.ts";
import type { ManageOptions } from "./run/manage.ts";
import type { OutstandingOptions, QuarantinedRow } from "./run/quarantined.ts";
import type { ReplayOptions, ReplayReport } from "./run/replay.ts";
import type { RunReport, TableReport } from "./run/report.ts";
import type { SchemaDocument } from "./state/schema-document.ts";
import type { PipelineState } from "./state/state.ts";
import type { Ability, Source, SourceTables } from "./stream.ts";

/** Options of {@link pipeline}. */
export interface PipelineOptions<Tables extends SourceTables, Can extends Ability> extends Omit<
  PipelineDefinition,
  "source" | "destination"
> {
  readonly source: Source<Tables>;
  /** Where the rows go. It must be able to do what the resources ask; if not, the compiler names the resource and what is missing. */
  readonly destination: Destination<Can> & CapabilityCheck<Tables, NoInfer<Can>>;
}

/** The resources that ask for what the destination cannot do. */
type Incapable<Tables extends SourceTables, Can extends Ability> = {
  [
    Name in keyof Tables & string as Tables[Name]["ability"] extends Can ? never : Name
  ]: `resource ${Name} needs a destination that can ${Exclude<Tables[Name]["ability"], Can>}`;
};

/** Anything when the destination can do what is asked; else a text that says which resource asks for what, which no destination is. */
export type CapabilityCheck<Tables extends SourceTables, Can extends Ability> = keyof Incapable<
  Tables,
  Can
> extends never
  ? unknown
  : Incapable<Tables, Can>[keyof Incapable<Tables, Can>];

/** The report of a run, typed by the source's resources. */
export interface PipelineReport<Tables extends SourceTables> extends Omit<RunReport, "tables"> {
  /** By resource name. Resources that `only` leaves out are missing. */
  readonly tables: { readonly [Name in keyof Tables & string]: TableReport<Tables[Name]["row"]> };
}

/** A source tied to a destination under a name, to be run as often as wanted. */
export interface Pipeline<Tables extends SourceTables = SourceTables> {
  readonly name: string;
  /** What the pipeline is, for hosts that run it. */
  readonly definition: PipelineDefinition;
  /**
   * Loads what is new. Resolves with the report, also when the deadline cut the run (`complete: false`). Rejects with an
   * {@link AlluviumError} whose `report` says what was committed, or with `signal.reason` after an abort.
   */
  run(options?: RunOptions<keyof Tables & string>): Promise<PipelineReport<Tables>>;
  /** What the pipeline remembers; `undefined` before its first load. Waits for a live run, then `ALV_CONCURRENT_RUN`, like all that follow. */
  state(options?: ManageOptions): Promise<PipelineState | undefined>;
  /** Its loads, newest first. */
  history(options?: ManageOptions & { readonly limit?: number }): Promise<readonly LoadRecord[]>;
  /**
   * The schemas of its tables as committed: JSON with stable text, to be kept beside the code and given back as the pipeline's `contract`. Takes no
   * lease and finishes nothing. No table before the first load.
   *
   * @example
   * ```ts
   * const text = JSON.stringify(await load.schema(), null, 2);
   * ```
   */
  schema(options?: ManageOptions): Promise<SchemaDocument>;
  /**
   * The rows of a resource that were refused and wait in its table's quarantine, the oldest first. Rows that were replayed or dropped wait no more;
   * of a table that is replaced only those of the last run wait.
   *
   * @example
   * ```ts
   * for (const { id, reason, message, row } of await load.quarantine({ resource: "orders", limit: 100 }))
   *   console.log(id, reason, message, row);
   * ```
   */
  quarantine(
    options: ManageOptions & OutstandingOptions & { readonly resource: keyof Tables & string },
  ): Promise<readonly QuarantinedRow[]>;
  /**
   * Tries refused rows again, from where they were refused: those that `read` yielded by schema and transforms, the others by contract and columns. All of it is one load,
   * which also logs what became of each row: in its table, given up, or refused again. A call that is repeated, also after a crash, loads no row twice. No
   * cursor moves. A late row never takes the place of a newer one: tables that merge need `orderBy` (or `insertOnly`), others that merge and those that are replaced
   * are `ALV_UNSUPPORTED`.
   *
   * @example
   * ```ts
   * const { replayed, refused } = await load.replay({
   *   resource: "orders",
   *   fix: (row) => (row["total"] === "n/a" ? { ...row, total: null } : row),
   * });
   * ```
   */
  replay(options: ReplayOptions<keyof Tables & string>): Promise<ReplayReport>;
  /**
   * Takes rows out of the quarantine of a resource for good, with all that is logged of them, whether they wait or not: the erasure of a person reaches the
   * table (`delete`, SQL) and its quarantine by a call each. Resolves with their number. On Delta the files that held them go with the next
   * `purge` and `vacuum` of the quarantine table.
   *
   * @example
   * ```ts
   * await load.forget({ resource: "orders", match: (row) => String(row["customerId"]) === "7" });
   * ```
   */
  forget(options: ForgetOptions<keyof Tables & string>): Promise<number>;
  /** Tables that could not be written and are set aside. */
  parked(options?: ManageOptions): Promise<readonly ParkedTable[]>;
  /** Tries the load of a table that is set aside again. `table` is its name at the destination. */
  retry(table: string, options?: ManageOptions): Promise<void>;
  /** Gives up the rows of the load for which a table is set aside. */
  skip(table: string, options?: ManageOptions): Promise<void>;
  /** Lets go of a table that is set aside and forgets its cursor: the next run reads all of it again. */
  resync(table: string, options?: ManageOptions): Promise<void>;
}

/**
 * Ties a source to a destination. Building one does no I/O. `name` names its state at the destination: another name is another pipeline, which
 * starts from the beginning.
 *
 * @example
 * ```ts
 * const load = pipeline({ name: "crm", source: crm({ token }), destination: delta({ url: "./lake" }) });
 * const report = await load.run({ signal });
 * console.log(report.tables.orders.rows);
 * ```
 */
export function pipeline<Tables extends SourceTables, Can extends Ability>(
  options: PipelineOptions<Tables, Can>,
): Pipeline<Tables> {
  const { name, source, destination } = options;
  if (typeof name !== "string" || name === "")
    throw new AlluviumError("ALV_CONFIG", "a pipeline needs a name: its state is kept under it");
  if (source?.specVersion !== 1)
    throw new AlluviumError(
      "ALV_CONFIG",
      `pipeline ${name}: source is no source: give what a connector such as postgres() returns, or a call of what source() returns`,
      { pipeline: name },
    );
  if (destination?.specVersion !== 1)
    throw new AlluviumError(
      "ALV_CONFIG",
      `pipeline ${name}: destination is no destination: give what a connector such as delta({ url }) returns`,
      { pipeline: name },
    );
  const { runner } = destination;
  // One that was built for an older contract, or from its outline.
  if (typeof runner?.run !== "function")
    throw new AlluviumError(
      "ALV_CONFIG",
      `pipeline ${name}: destination ${destination.name} brings nothing that carries out runs: give it \`runner\`, which @alluvium/core/run exports`,
      { pipeline: name },
    );
  const definition = options as PipelineDefinition;
  return {
    name,
    definition,
    run: async (run) => (await runner.run(definition, run)) as PipelineReport<Tables>,
    state: (manage) => runner.state(definition, manage),
    history: (manage) => runner.history(definition, manage),
    schema: (manage) => runner.schema(definition, manage),
    quarantine: (which) => runner.quarantine(definition, which),
    replay: (which) => runner.replay(definition, which),
    forget: (which) => runner.forget(definition, which),
    parked: (manage) => runner.parked(definition, manage),
    retry: (table, manage) => runner.settle(definition, table, "retry", manage),
    skip: (table, manage) => runner.settle(definition, table, "skip", manage),
    resync: (table, manage) => runner.settle(definition, table, "resync", manage),
  };
}
