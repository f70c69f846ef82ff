import { AlluviumError, type ObjectStore } from "@alluvium/core";
import { checkWritable } from "../log/protocol.ts";
import { loadState, type TableState } from "../log/state.ts";

/** The table that is taken care of. */
export interface CareTarget {
  readonly store: ObjectStore;
  /** Directory of the table, relative to the store's root; empty where the table is the root. */
  readonly directory: string;
  /** Where it is, for people. */
  readonly url: string;
}

/** Options that all of a table's care has. */
export interface CareOptions {
  /** Ends the work. What is committed until then stays, the rest leaves at most files for `vacuum`. */
  readonly signal?: AbortSignal;
  /** Bytes of memory that rows may take at a time. @default 96 MiB */
  readonly budget?: number;
}

/** What the work goes on with: the target and its options, checked. */
export interface CareContext extends CareTarget {
  readonly signal: AbortSignal;
  readonly budget: number;
}

const BUDGET = 96 << 20;

/** Fills in defaults. Throws `ALV_CONFIG` for a budget that is none. */
export function careContext(target: CareTarget, { signal, budget = BUDGET }: CareOptions): CareContext {
  if (!(budget > 0)) throw new AlluviumError("ALV_CONFIG", `budget is ${budget}; give bytes above 0`);
  return { ...target, signal: signal ?? new AbortController().signal, budget };
}

/** The newest version of the table, which must be one that Alluvium may write. */
export async function openToWrite(context: CareContext): Promise<TableState> {
  const state = await openToRead(context);
  checkWritable(state.protocol, state.metadata, state.schema, `the table at ${context.url}`);
  return state;
}

/** A version of the table, the newest unless said otherwise. */
export async function openToRead(context: CareContext, version?: number): Promise<TableState> {
  const { store, directory, url, signal } = context;
  const state = await loadState(store, directory, { ...(version !== undefined && { version }), signal });
  if (state !== undefined) return state;
  throw new AlluviumError("ALV_TABLE_NOT_FOUND", `there is no Delta table at ${url}: it has no _delta_log`);
}
