import {
  timeOrderedId,
  type DestinationSession,
  type Json,
  type Load,
  type ObjectStore,
  type PipelineState,
  type StreamState,
  type TablePlan,
} from "@alluvium/core";
import { expect } from "vitest";
import type { LakeUnderTest } from "./lakes.ts";

/** The loads of one run of a script, one after another. */
export interface ScriptLoads {
  /** What the run begins with. */
  readonly state: PipelineState | undefined;
  readonly begin: () => Promise<Load>;
  /** Commits a load with cursors of some streams; the others stay. */
  readonly commit: (load: Load, cursors: Readonly<Record<string, Json>>) => Promise<void>;
}

/** Recovers, and loads into the tables of a plan from there. */
export async function scriptLoads(
  session: DestinationSession,
  plan: readonly TablePlan[],
): Promise<ScriptLoads> {
  const recovered = await session.recover();
  let state = recovered;
  return {
    state: recovered,
    begin: () => session.begin({ loadId: timeOrderedId(), startedAt: new Date(), tables: plan }),
    async commit(load, cursors) {
      const { loadId } = load;
      const streams = Object.entries(cursors).map(([name, cursor]): [string, StreamState] => [
        name,
        { cursor, cursorVersion: 1, identity: null, loadId, committedAt: new Date().toISOString() },
      ]);
      const next: PipelineState = {
        incarnation: state?.incarnation ?? crypto.randomUUID(),
        sequence: (state?.sequence ?? -1) + 1,
        loadId,
        streams: { ...state?.streams, ...Object.fromEntries(streams) },
        tables: Object.fromEntries(
          plan.map(({ table: name, stream, schema, primaryKey, disposition }) => [
            name,
            {
              stream,
              resource: name,
              schema,
              columns: {},
              primaryKey,
              disposition: disposition.kind === "merge" ? disposition.strategy : disposition.kind,
            },
          ]),
        ),
      };
      await load.commit(next);
      state = next;
    },
  };
}

/** The lake lists each load of the pipeline once. */
export async function expectLoads(
  store: ObjectStore,
  lake: LakeUnderTest,
  state: PipelineState | undefined,
  where: string,
): Promise<void> {
  const loads = (await lake.read(store, "_alv_loads")).map(({ sequence }) => Number(sequence));
  expect(
    loads.sort((a, b) => a - b),
    `loads ${where}`,
  ).toEqual(range(0, state?.sequence ?? -1));
}

/** The cursor of a stream that counts; 0 before its first commit. */
export function cursorOf(state: PipelineState | undefined, stream: string): number {
  return (state?.streams[stream]?.cursor as number | undefined) ?? 0;
}

/** Whole numbers, both ends included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}
