import type { DestinationSession, ObjectStore, OpenContext, RunEvent } from "@alluvium/core";
import { timeOrderedId } from "@alluvium/core";
import { openLake, type LakeOptions } from "../../src/lake/lake.ts";
import type { LakeTiming } from "../../src/lake/timing.ts";
import { jsonFormat, readJsonTable } from "./json-format.ts";
import { openJsonWriter, rewriteJson, type Row } from "./json-writer.ts";

/** A lake that tests of the protocol run against: how it is opened over a store, and how its tables are read. */
export interface LakeUnderTest {
  readonly name: string;
  readonly parts: Pick<LakeOptions, "format" | "openWriter" | "rewrite">;
  read(store: ObjectStore, table: string): Promise<readonly Row[]>;
}

/** The lake that needs no real format. */
export const jsonLake: LakeUnderTest = {
  name: "json",
  parts: { format: jsonFormat, openWriter: openJsonWriter, rewrite: rewriteJson },
  read: readJsonTable,
};

/** No waiting, no lease, garbage after every load: what happens depends on the steps alone. */
export const bareTiming: Partial<LakeTiming> = {
  leaseRenew: 0,
  leaseLive: 0,
  notice: 0,
  attempts: 4,
  garbageEvery: 1,
  sleep: (_, signal) => {
    signal.throwIfAborted();
    return Promise.resolve();
  },
};

/** What a test may set of a session. */
export interface OpenOptions extends Partial<Omit<OpenContext, "emit">> {
  readonly timing?: Partial<LakeTiming>;
  readonly events?: RunEvent[];
}

/** Opens a session of pipeline `shop`, lane `main`. */
export function openTest(
  store: ObjectStore,
  lake: LakeUnderTest = jsonLake,
  options: OpenOptions = {},
): Promise<DestinationSession> {
  const { timing, events, ...context } = options;
  const open = openLake({ store, ...lake.parts, timing: { ...bareTiming, ...timing } });
  return open({
    pipeline: { pipeline: "shop", lane: "main" },
    runId: timeOrderedId(),
    signal: new AbortController().signal,
    budget: 16 * 1024 * 1024,
    adopt: false,
    shared: false,
    leaseWait: 0,
    emit: (event) => events?.push(event),
    ...context,
  });
}
