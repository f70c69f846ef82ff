import type { DestinationSession, ObjectStore } from "@alluvium/core";
import { AlluviumError } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import {
  faultStore,
  powerLossStore,
  StoppedError,
  type FaultPlan,
  type FaultStep,
} from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { openTest, slowCopies, withoutRename, type LakeUnderTest, type OpenOptions } from "./lakes.ts";
import { appendScript, type CrashScript } from "./script.ts";

/**
 * The proof of exactly once for a lake of any format: a run of several streams, tables and commits is stopped at every I/O step, and
 * what is there afterwards is recovered and completed. Every row must be there once, and the cursors equal to the rows.
 */
export function crashSuite(tested: LakeUnderTest, sample = 1, script: CrashScript = appendScript): void {
  const lake: Tested = { ...tested, script };
  describe(`lake of ${lake.name}: every row once`, { timeout: sample === 1 ? 1_800_000 : 120_000 }, () => {
    test("stopped at every step of the first run", async () => {
      const steps = await countSteps(lake, diskOf(lake));
      expect(steps).toBeGreaterThan(100);
      for (let step = 0; step < steps; step += sample) {
        const disk = diskOf(lake);
        await stopAt(lake, disk, step, 1);
        await recoverAndComplete(lake, disk, `after a stop at step ${step}`);
      }
    });

    test("stopped at every step of a second run", async () => {
      const filled = await filledStore(lake);
      const steps = await countSteps(lake, filled, 2);
      expect(steps).toBeGreaterThan(50);
      for (let step = 0; step < steps; step += sample) {
        const disk = await filledStore(lake);
        await stopAt(lake, disk, step, 2);
        await recoverAndComplete(lake, disk, `after a stop at step ${step} of the second run`, 3);
      }
    });

    test("stopped again at every step of the recovery", async () => {
      const seen = await stepsOf(lake, diskOf(lake));
      // Where a recovery has something to do: between a manifest and its applied marker.
      const stops = seen.filter(({ index }) => index % sample === 0 && between(seen, index));
      for (const { index: first } of stops.filter((_, at) => at % 8 === 0)) {
        for (let second = 0; ; second += sample) {
          const disk = diskOf(lake);
          await stopAt(lake, disk, first, 1);
          const recovering = faultStore(disk, { stopAt: second });
          try {
            await (await openTest(recovering, lake)).recover();
          } catch (error) {
            expectStopped(error);
          }
          await recoverAndComplete(lake, disk, `after stops at steps ${first} and ${second}`);
          if (!recovering.stopped) break;
        }
      }
      expect(stops.length).toBeGreaterThan(10 / sample);
    });

    test("the power is lost at every step", async () => {
      const steps = await countSteps(lake, likeDisk(lake, powerLossStore()));
      expect(steps).toBeGreaterThan(100);
      for (let step = 0; step < steps; step += sample) {
        // What was not synced is lost; or some of it arrived, by the seed.
        for (const loss of step % 2 === 0 ? (["drop", "random"] as const) : (["drop"] as const)) {
          const disk = likeDisk(lake, powerLossStore());
          await stopAt(lake, disk, step, 1);
          disk.cutPower({ unsynced: loss, seed: step });
          await recoverAndComplete(
            lake,
            disk,
            `after a loss of power (${loss}, seed ${step}) at step ${step}`,
          );
        }
      }
    });

    test("the answer of every call is lost once, or every call fails once", async () => {
      const steps = await countSteps(lake, diskOf(lake));
      expect(steps).toBeGreaterThan(100);
      for (let step = 0; step < steps; step += sample) {
        const disk = diskOf(lake);
        const at = ({ index }: FaultStep) => (index === step ? "transient" : undefined);
        const code = await codeOf(run(lake, faultStore(disk, { at }), 1));
        expect([undefined, "ALV_STORE_FAILED"], `failure at step ${step}`).toContain(code);
        await recoverAndComplete(lake, disk, `after a failure at step ${step}`);
      }
    });

    test("the disk is full at every step", async () => {
      const steps = await countSteps(lake, diskOf(lake));
      expect(steps).toBeGreaterThan(100);
      for (let step = 0; step < steps; step += sample) {
        const disk = diskOf(lake);
        const at = ({ index, call, when }: FaultStep) =>
          index >= step && when === "before" && ["put", "putIfAbsent", "create", "write"].includes(call)
            ? "full"
            : undefined;
        const code = await codeOf(run(lake, faultStore(disk, { at }), 1));
        expect([undefined, "ALV_STORE_FULL"], `full at step ${step}`).toContain(code);
        await recoverAndComplete(lake, disk, `after the disk was full at step ${step}`);
      }
    });

    test("a second run goes through at every step of the first", async () => {
      const steps = await countSteps(lake, diskOf(lake));
      expect(steps).toBeGreaterThan(100);
      for (let step = 0; step < steps; step += sample) {
        const disk = diskOf(lake);
        await interleave(lake, disk, step, async () => run(lake, disk, 2));
        await recoverAndComplete(lake, disk, `with a second run at step ${step}`);
      }
    });

    test("a second run starts at every step of the first, and stops midway while the first goes on", async () => {
      const steps = await countSteps(lake, diskOf(lake));
      expect(steps).toBeGreaterThan(100);
      const other = await countSteps(lake, diskOf(lake));
      for (let step = 0; step < steps; step += sample) {
        const disk = diskOf(lake);
        await interleave(lake, disk, step, () => stopAt(lake, disk, (step * 7) % other, 2));
        await recoverAndComplete(lake, disk, `with a second run that stopped, at step ${step}`);
      }
    });

    test("a zombie wakes after two further loads whose predecessors are deleted", async () => {
      const timing = { manifestAge: 0, manifestCount: 0, garbageEvery: 1 };
      const steps = await countSteps(lake, diskOf(lake));
      expect(steps).toBeGreaterThan(100);
      for (let step = 0; step < steps; step += sample) {
        const disk = diskOf(lake);
        await interleave(lake, disk, step, async () => {
          await run(lake, disk, 2, { timing });
          await run(lake, disk, 3, { timing });
        });
        await recoverAndComplete(lake, disk, `with a zombie that slept at step ${step}`);
      }
    });

    test("the state is deleted at every step of a second run", async () => {
      const steps = await countSteps(lake, await filledStore(lake));
      for (let step = 0; step < steps; step += sample) {
        const disk = await filledStore(lake);
        await interleave(lake, disk, step, () => deleteState(disk));
        const session = await openTest(disk, lake);
        expect(await codeOf(session.recover()), `state deleted at step ${step}`).toMatch(
          /^ALV_STATE_(LOST|INVALID)$/,
        );
        const rows = (await lake.read(disk, script.counted)).map(({ id }) => Number(id));
        expect(new Set(rows).size, `no row twice, state deleted at step ${step}`).toBe(rows.length);
      }
    });
  });
}

/** For a disk that cannot rename: what becomes of a copy that is under way while others go on. */
export function lateCopySuite(tested: LakeUnderTest): void {
  const lake: Tested = { ...tested, script: appendScript };
  test(`lake of ${lake.name}: a second run goes through in the middle of every copy of the first, which ends after it`, async () => {
    let copies = 0;
    const counting = slowCopies(memoryStore(), async () => void (copies += 1));
    await run(lake, counting, 1);
    expect(copies).toBeGreaterThan(8);
    for (let chosen = 0; chosen < copies; chosen++) {
      const disk = diskOf(lake);
      let copy = 0;
      const store = slowCopies(disk, async () => {
        if (copy++ === chosen) await run(lake, disk, 2);
      });
      expect([undefined, "ALV_CONCURRENT_RUN"], `copy ${chosen}`).toContain(
        await codeOf(run(lake, store, 1)),
      );
      await recoverAndComplete(lake, disk, `with a second run in the middle of copy ${chosen}`);
    }
  });
}

/** A lake and what is done with it. */
interface Tested extends LakeUnderTest {
  readonly script: CrashScript;
}

/** A store with the habits of the disk that a lake is tested on. */
function likeDisk<Store extends ObjectStore>({ copies }: Tested, store: Store): Store {
  return copies ? withoutRename(store) : store;
}

function diskOf(lake: Tested): ObjectStore {
  return likeDisk(lake, memoryStore());
}

/** One run, as a process does it. */
async function run(
  lake: Tested,
  store: ObjectStore,
  number: number,
  options: OpenOptions = {},
): Promise<void> {
  await using session = await openTest(store, lake, options);
  await lake.script.run(session, number);
}

async function stepsOf(lake: Tested, disk: ObjectStore, number = 1): Promise<readonly FaultStep[]> {
  const store = faultStore(disk);
  await run(lake, store, number);
  return store.steps;
}

async function countSteps(lake: Tested, disk: ObjectStore, number = 1): Promise<number> {
  return (await stepsOf(lake, disk, number)).length;
}

/** Whether a step lies between the putting of a manifest and that of its marker. */
function between(steps: readonly FaultStep[], index: number): boolean {
  const last = steps
    .slice(0, index)
    .findLast(
      ({ call, when, path }) =>
        call === "putIfAbsent" &&
        when === "after" &&
        /\d{20}\.(json|applied)$/.test(path) &&
        path.startsWith("_alluvium/"),
    );
  return last?.path.endsWith(".json") ?? false;
}

async function stopAt(lake: Tested, disk: ObjectStore, step: number, number: number): Promise<void> {
  try {
    await run(lake, faultStore(disk, { stopAt: step }), number);
  } catch (error) {
    expectStopped(error);
  }
}

/** A run during which something else happens at one step. The run may win or lose; it may not harm. */
async function interleave(
  lake: Tested,
  disk: ObjectStore,
  step: number,
  other: () => Promise<void>,
): Promise<void> {
  const plan: FaultPlan = {
    async at({ index }) {
      if (index === step) await other();
      return undefined;
    },
  };
  const code = await codeOf(run(lake, faultStore(disk, plan), 1));
  expect([undefined, "ALV_CONCURRENT_RUN", "ALV_STATE_LOST", "ALV_STATE_INVALID"], `step ${step}`).toContain(
    code,
  );
}

/** The code that a call fails with; `undefined` when it does not. What is not ours is thrown. */
async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (AlluviumError.is(error)) return error.code;
    throw error;
  }
}

async function recoverAndComplete(lake: Tested, disk: ObjectStore, where: string, number = 2): Promise<void> {
  await using session: DestinationSession = await openTest(disk, lake);
  await lake.script.expectRecovered(disk, lake, session, where);
  await lake.script.run(session, number);
  await lake.script.expectComplete(disk, lake, session, `${where}, completed`);
}

async function filledStore(lake: Tested): Promise<ObjectStore> {
  const disk = diskOf(lake);
  await run(lake, disk, 1);
  return disk;
}

/** Deletes the state folder. */
export async function deleteState(disk: ObjectStore): Promise<void> {
  const paths: string[] = [];
  for await (const { path } of disk.list("_alluvium/")) paths.push(path);
  await disk.delete(paths);
}

function expectStopped(error: unknown): void {
  let cause = error;
  while (AlluviumError.is(cause) && cause.cause !== undefined) cause = cause.cause;
  if (!(cause instanceof StoppedError)) throw error;
}
