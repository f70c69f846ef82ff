import type { Destination, DestinationSession, LoadPlan, OpenContext, TablePlan } from "../destination.ts";
import { validityColumns } from "../disposition.ts";
import type { MergeOptions, MergeStrategy, Where } from "../disposition.ts";
import { timeOrderedId } from "../run/id.ts";
import type { Schema } from "../schema/types.ts";
import type { PipelineState } from "../state/state.ts";

/** Rows as a reader gives them. */
export type Rows = readonly Readonly<Record<string, unknown>>[];

/** A place for the suite to load into and to read back from. */
export interface SuiteDestination {
  /** Opens a session; further sessions see what earlier ones committed. */
  open(options?: { readonly leaseWait?: number }): Promise<DestinationSession>;
  /** All rows that a reader sees in a table, by any reader that is not under test where there is one; no table: no rows. */
  read(table: string): Promise<Rows>;
  /** Cleans up after a case. */
  [Symbol.asyncDispose]?(): PromiseLike<void>;
}

/** A {@link SuiteDestination} over a destination. */
export function suiteDestination(
  destination: Destination,
  read: (table: string) => Promise<Rows>,
  dispose?: () => Promise<void>,
): SuiteDestination {
  return {
    open: (options = {}) => destination.open({ ...suiteContext(), ...options }),
    read,
    ...(dispose === undefined ? {} : { [Symbol.asyncDispose]: dispose }),
  };
}

/** What a destination is opened with, where a test has no run. */
export function suiteContext(): OpenContext {
  return {
    pipeline: { pipeline: "suite", lane: "main" },
    runId: timeOrderedId(),
    signal: new AbortController().signal,
    budget: 32 * 1024 * 1024,
    adopt: false,
    shared: false,
    emit: () => {},
  };
}

/** A session that has recovered. */
export async function openTarget(target: SuiteDestination): Promise<DestinationSession> {
  const session = await target.open();
  await session.recover();
  return session;
}

/** A plan for the load of some tables. */
function planLoad(_name: string, tables: readonly TablePlan[]): LoadPlan {
  return { loadId: timeOrderedId(), startedAt: new Date(), tables };
}

const table = (name: string, schema: Schema): Omit<TablePlan, "disposition"> => ({
  table: name,
  stream: name,
  primaryKey: [],
  partitionBy: [],
  schema,
});

/** Plans of loads and tables; a table's stream has its name. */
export const plans: typeof planLoad & {
  append(name: string, schema: Schema): TablePlan;
  replace(name: string, schema: Schema, where?: Where, allowEmpty?: boolean): TablePlan;
  /** A merge by the column `id` unless another key is given. */
  merge(
    name: string,
    schema: Schema,
    strategy: MergeStrategy,
    options?: MergeOptions & { readonly primaryKey?: readonly string[] },
  ): TablePlan;
} = Object.assign(planLoad, {
  append: (name: string, schema: Schema): TablePlan => ({
    ...table(name, schema),
    disposition: { kind: "append" },
  }),
  replace: (name: string, schema: Schema, where?: Where, allowEmpty = false): TablePlan => ({
    ...table(name, schema),
    disposition: { kind: "replace", allowEmpty, ...(where === undefined ? {} : { where }) },
  }),
  merge(
    name: string,
    schema: Schema,
    strategy: MergeStrategy,
    options: MergeOptions & { readonly primaryKey?: readonly string[] } = {},
  ): TablePlan {
    const { primaryKey = ["id"], ...merge } = options;
    const { validity = strategy === "scd2" ? { ...validityColumns, retireAbsent: false } : undefined } =
      merge;
    return {
      ...table(name, schema),
      disposition: { kind: "merge", strategy },
      merge: { ...merge, validity },
      primaryKey,
    };
  },
});

/** A state for load number `sequence` that remembers nothing. */
export function stateAt(sequence: number, loadId: string): PipelineState {
  return { incarnation: "00112233445566778899aabbccddeeff", sequence, loadId, streams: {}, tables: {} };
}
