import {
  AlluviumError,
  pipeline,
  resource,
  source,
  typed,
  type ObjectStore,
  type RunReport,
  type Pipeline,
} from "@alluvium/core";
import {
  faultStore,
  StoppedError,
  type FaultPlan,
  type FaultStep,
  type PowerLossStore,
} from "@alluvium/core/testing";
import { describe, expect, test } from "vitest";
import { expectComplete, expectRecovered, type Found } from "./expect.ts";
import { copyStore, deleteBelow, memoryDisk, powerDisk, type Disk, type Lake } from "./lakes.ts";
import { shop, shopTables, type ShopOptions, type ShopTables } from "./shop.ts";

/** How thorough a pass is: of so many steps each scenario takes one, from a start that the seed draws. */
export interface Thoroughness {
  readonly stride: number;
  readonly seed: number;
  /** Of the steps taken, those of one share of several, so that machines can divide a whole pass. @default all */
  readonly shard?: { readonly index: number; readonly count: number };
}

/** What the environment asks of a long pass: `ALLUVIUM_STRIDE`, `ALLUVIUM_SEED`, and `ALLUVIUM_SHARD=2/4` for the second of four shares. */
export function thoroughnessOf(environment: NodeJS.ProcessEnv): Thoroughness {
  const { ALLUVIUM_STRIDE = "1", ALLUVIUM_SEED, ALLUVIUM_SHARD = "1/1" } = environment;
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(ALLUVIUM_SHARD) ?? [];
  if (index === undefined || Number(index) < 1 || Number(index) > Number(count))
    throw new Error(`ALLUVIUM_SHARD is ${ALLUVIUM_SHARD}; it must be like 2/4`);
  if (Number(count) > 1 && ALLUVIUM_SEED === undefined)
    throw new Error("all shares of a pass need the same ALLUVIUM_SEED");
  return {
    stride: Number(ALLUVIUM_STRIDE),
    seed: Number(ALLUVIUM_SEED ?? Date.now() % 100_000),
    shard: { index: Number(index) - 1, count: Number(count) },
  };
}

const LEASE = 20_000;
const MIB = 1024 * 1024;

interface RunSettings extends ShopOptions {
  readonly deadline?: Date;
}

function pipelineOn(
  lake: Lake,
  store: ObjectStore,
  phase: number,
  options: ShopOptions = {},
): Pipeline<ShopTables> {
  return pipeline({
    name: "shop",
    source: shop(phase, options),
    destination: lake.destination(store),
    budget: 4 * MIB,
    leaseWait: 0,
  });
}

/** One run, as a process does it: a commit at every checkpoint. */
async function run(
  lake: Lake,
  store: ObjectStore,
  phase: number,
  { deadline, ...options }: RunSettings = {},
): Promise<RunReport> {
  return await pipelineOn(lake, store, phase, options).run({
    commitInterval: 0,
    retry: { attempts: 3, minDelay: 0, maxDelay: 0 },
    ...(deadline && { deadline }),
  });
}

/** The next process: recovers, is found right, then reads on to the end of `phase`, and is right again. */
async function recoverAndComplete(lake: Lake, disk: Disk, phase: number, where: string): Promise<void> {
  disk.later(LEASE);
  const { store } = disk;
  const state = await pipelineOn(lake, store, phase).state();
  const before = await expectRecovered(lake, store, state, `${where}, recovered`);
  await complete(lake, disk, phase, where, before);
}

async function complete(
  lake: Lake,
  disk: Disk,
  phase: number,
  where: string,
  before: Found = { counts: {} },
): Promise<void> {
  const { store } = disk;
  const report = await run(lake, store, phase);
  const done = `${where}, completed at phase ${phase}`;
  const state = await pipelineOn(lake, store, phase).state();
  const after = await expectComplete(lake, store, state, phase, done);
  expect([report.complete, report.problems], done).toEqual([true, []]);
  for (const [table, { replaces }] of Object.entries(shopTables)) {
    const told = (report.tables as Readonly<Record<string, { readonly rows: number }>>)[table]!.rows;
    const added = after.counts[table]! - (replaces ? 0 : (before.counts[table] ?? 0));
    expect(told, `rows of ${table} in the report ${done}`).toBe(added);
  }
}

/** A run that may be stopped; what else goes wrong is thrown. */
async function untilStopped(work: Promise<unknown>, codes: readonly string[] = []): Promise<void> {
  try {
    await work;
  } catch (error) {
    let cause = error;
    while (AlluviumError.is(cause) && cause.cause !== undefined) cause = cause.cause;
    const expected = AlluviumError.is(error) && codes.includes(error.code);
    if (!expected && !(cause instanceof StoppedError)) throw error;
  }
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (AlluviumError.is(error)) return error.code;
    throw error;
  }
}

async function stepsOf(lake: Lake, disk: Disk, phase: number): Promise<readonly FaultStep[]> {
  const store = faultStore(disk.store);
  await run(lake, store, phase);
  return store.steps;
}

async function filled(lake: Lake): Promise<Disk> {
  const disk = memoryDisk();
  await run(lake, disk.store, 1);
  disk.later(LEASE);
  return disk;
}

async function copied(from: Disk): Promise<Disk> {
  const disk = memoryDisk();
  await copyStore(from.store, disk.store);
  return disk;
}

/** The proof for one lake. Each scenario says in its failure at which step it was. */
export function stepsSuite(lake: Lake, { stride, seed, shard = { index: 0, count: 1 } }: Thoroughness): void {
  let salt = 0;
  /** The chosen steps of so many; every scenario begins elsewhere. */
  const chosen = (count: number): readonly number[] => {
    salt += 1;
    const steps: number[] = [];
    for (let step = (seed * 7 + salt * 3) % stride; step < count; step += stride) steps.push(step);
    const share = steps.filter((_, i) => i % shard.count === shard.index);
    return share.length > 0 || count === 0 ? share : [(seed + salt) % count];
  };
  const tell = (steps: number, tried: number): number => {
    console.log(
      `${lake.name}: ${expect.getState().currentTestName?.split(" > ").at(-1)}: ${tried} of ${steps} steps (seed ${seed}, stride ${stride}, share ${shard.index + 1} of ${shard.count})`,
    );
    return tried;
  };

  describe(`${lake.name}: every row once`, { timeout: 3_600_000 }, () => {
    test("a run makes many commits, and another one finds nothing new", async () => {
      const disk = memoryDisk();
      await complete(lake, disk, 1, "at first");
      const first = await pipelineOn(lake, disk.store, 1).state();
      expect(first!.sequence).toBeGreaterThan(3);
      await recoverAndComplete(lake, disk, 1, "again");
      await recoverAndComplete(lake, disk, 2, "more");
      await recoverAndComplete(lake, disk, 3, "most");
    });

    test("stopped at every step of the first run", async () => {
      const { length } = await stepsOf(lake, memoryDisk(), 1);
      const steps = chosen(length);
      for (const step of steps) {
        const disk = memoryDisk();
        await untilStopped(run(lake, faultStore(disk.store, { stopAt: step }), 1));
        await recoverAndComplete(lake, disk, 1 + (step % 2), `after a stop at step ${step}`);
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("stopped at every step of a second run", async () => {
      const base = await filled(lake);
      const { length } = await stepsOf(lake, await copied(base), 2);
      const steps = chosen(length);
      for (const step of steps) {
        const disk = await copied(base);
        await untilStopped(run(lake, faultStore(disk.store, { stopAt: step }), 2));
        await recoverAndComplete(
          lake,
          disk,
          2 + (step % 2),
          `after a stop at step ${step} of the second run`,
        );
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("the power is lost at every step", async () => {
      const { length } = await stepsOf(lake, powerDisk(), 1);
      const steps = chosen(length);
      for (const step of steps) {
        const loss = step % 3 === 0 ? "random" : "drop";
        const disk = powerDisk();
        await untilStopped(run(lake, faultStore(disk.store, { stopAt: step }), 1));
        disk.store.cutPower({ unsynced: loss, seed: seed + step });
        await recoverAndComplete(
          lake,
          disk,
          2,
          `after a loss of power (${loss}) at step ${step}, seed ${seed}`,
        );
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("killed at every step, recovered by another process, and then the power is lost", async () => {
      const { length } = await stepsOf(lake, powerDisk(), 1);
      const steps = chosen(length);
      for (const step of steps) {
        const disk = powerDisk();
        await untilStopped(run(lake, faultStore(disk.store, { stopAt: step }), 1));
        disk.later(LEASE);
        await pipelineOn(lake, disk.store, 1).state();
        disk.store.cutPower({ unsynced: "drop" });
        await recoverAndComplete(
          lake,
          disk,
          2,
          `after a loss of power behind the recovery from step ${step}`,
        );
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    // Moments at which others see a name that a loss of power would still undo: few, and the worst.
    for (const phase of [1, 2]) {
      const prepared = async (onMoment: () => void): Promise<Disk<PowerLossStore>> => {
        let armed = false;
        const disk = powerDisk(() => {
          if (armed) onMoment();
        });
        if (phase === 2) await copyStore((await filled(lake)).store, disk.store);
        disk.store.cutPower({ unsynced: "keep" });
        armed = true;
        return disk;
      };
      const moments = async (): Promise<number> => {
        let count = 0;
        await run(lake, (await prepared(() => (count += 1))).store, phase);
        return count;
      };
      const few = (length: number): readonly number[] => {
        const scale = Math.min(stride, 12);
        return chosen(length * scale).map((step) => Math.floor(step / scale));
      };

      test(`run ${phase} is killed between a name and its sync, recovered by another process, and then the power is lost`, async () => {
        const length = await moments();
        const steps = few(length);
        // The other process reaches its end, or is stopped itself before it can say so.
        const cases = steps.flatMap((moment) =>
          stride > 5
            ? [{ moment, whole: (moment + seed) % 2 === 0 }]
            : [true, false].map((whole) => ({ moment, whole })),
        );
        for (const { moment, whole } of cases) {
          let left = moment;
          let kill = (): void => {};
          const disk = await prepared(() => {
            if (left-- === 0) kill();
          });
          const store = faultStore(disk.store);
          kill = () => {
            store.stop();
            throw new StoppedError("killed before it could sync");
          };
          await untilStopped(run(lake, store, phase));
          disk.later(LEASE);
          const at: FaultPlan["at"] = ({ call, path }) =>
            !whole && call === "putIfAbsent" && path.endsWith(".applied") ? "stop" : undefined;
          await untilStopped(pipelineOn(lake, faultStore(disk.store, { at }), phase).state());
          disk.store.cutPower({ unsynced: "drop" });
          await recoverAndComplete(lake, disk, phase + 1, `after a kill before sync ${moment}`);
        }
        expect(tell(length, steps.length)).toBeGreaterThan(0);
      });

      test(`run ${phase} sees syncs of names fail, goes on, and then the power is lost`, async () => {
        const length = await moments();
        const steps = few(length);
        // One sync fails or two in a row; the run goes on to its end, or is killed before it can mark the load as applied.
        const all = [1, 2, 3, 4].map((n) => ({ failures: n < 3 ? 1 : 2, whole: n % 2 === 0 }));
        const cases = steps.flatMap((moment) =>
          (stride > 5 ? [all[(moment + seed) % 4]!] : all).map((one) => ({ ...one, moment })),
        );
        for (const { moment, failures, whole } of cases) {
          let seen = 0;
          let failed = false;
          const disk = await prepared(() => {
            const index = seen++;
            if (index < moment || index >= moment + failures) return;
            failed = true;
            throw new AlluviumError("ALV_STORE_FAILED", "cannot sync a folder (on purpose)");
          });
          const at: FaultPlan["at"] = ({ call, path }) =>
            failed && !whole && call === "putIfAbsent" && path.endsWith(".applied") ? "stop" : undefined;
          await untilStopped(run(lake, faultStore(disk.store, { at }), phase), ["ALV_STORE_FAILED"]);
          seen = Number.POSITIVE_INFINITY;
          disk.store.cutPower({ unsynced: "drop" });
          await recoverAndComplete(lake, disk, phase + 1, `after sync ${moment} failed (${failures})`);
        }
        expect(tell(length, steps.length)).toBeGreaterThan(0);
      });
    }

    test("every single call fails once, or its answer is lost", async () => {
      const { length } = await stepsOf(lake, memoryDisk(), 1);
      const steps = chosen(length);
      let survived = 0;
      for (const step of steps) {
        const disk = memoryDisk();
        const at: FaultPlan["at"] = ({ index }) => (index === step ? "transient" : undefined);
        const code = await codeOf(run(lake, faultStore(disk.store, { at }), 1));
        expect([undefined, "ALV_STORE_FAILED"], `failure at step ${step}`).toContain(code);
        if (code === undefined) survived += 1;
        await recoverAndComplete(lake, disk, 2, `after a failure at step ${step}`);
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
      // Of a few steps, all may be such that end a run.
      expect(survived).toBeGreaterThanOrEqual(steps.length > 50 ? 1 : 0);
    });

    test("the disk is full from every step on", async () => {
      const { length } = await stepsOf(lake, memoryDisk(), 1);
      const steps = chosen(length);
      for (const step of steps) {
        const disk = memoryDisk();
        const at: FaultPlan["at"] = ({ index, call, when }) =>
          index >= step && when === "before" && ["put", "putIfAbsent", "create", "write"].includes(call)
            ? "full"
            : undefined;
        const code = await codeOf(run(lake, faultStore(disk.store, { at }), 1));
        expect([undefined, "ALV_STORE_FULL"], `full from step ${step}`).toContain(code);
        await recoverAndComplete(lake, disk, 2, `after the disk was full at step ${step}`);
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("a second run goes through at every step of the first", async () => {
      const { length } = await stepsOf(lake, memoryDisk(), 1);
      const steps = chosen(length);
      for (const step of steps) {
        const disk = memoryDisk();
        await interleaved(lake, disk, step, () => run(lake, disk.store, 2));
        await recoverAndComplete(lake, disk, 3, `with a second run at step ${step}`);
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("a second run is stopped midway at every step of the first, which goes on", async () => {
      const { length } = await stepsOf(lake, memoryDisk(), 1);
      const steps = chosen(length);
      for (const step of steps) {
        const disk = memoryDisk();
        const stopAt = (step * 31 + seed) % length;
        await interleaved(lake, disk, step, () =>
          untilStopped(run(lake, faultStore(disk.store, { stopAt }), 2)),
        );
        await recoverAndComplete(
          lake,
          disk,
          3,
          `with a second run at step ${step} that stopped at ${stopAt}`,
        );
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("a zombie wakes at every step after two further loads, also days later", async () => {
      const { length } = await stepsOf(lake, memoryDisk(), 1);
      const steps = chosen(length);
      for (const step of steps) {
        const disk = memoryDisk();
        await interleaved(lake, disk, step, async () => {
          await run(lake, disk.store, 2);
          // Superseded manifests go after their retention, so that the zombie's number may be free again.
          disk.later(step % 2 === 0 ? LEASE : 8 * 86_400_000);
          await run(lake, disk.store, 3);
        });
        await recoverAndComplete(lake, disk, 3, `with a zombie that slept at step ${step}`);
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("another pipeline of the lake goes through at every step", async () => {
      const { length } = await stepsOf(lake, memoryDisk(), 1);
      const steps = chosen(length);
      for (const step of steps) {
        const disk = memoryDisk();
        let others = 0;
        const plan: FaultPlan = {
          async at({ index }) {
            if (index === step) others = await neighbour(lake, disk.store);
            return undefined;
          },
        };
        await run(lake, faultStore(disk.store, plan), 1);
        const loads = (await lake.read(disk.store, "_alv_loads")).filter(
          (row) => row["pipeline"] === "other",
        );
        expect(
          loads.map((row) => Number(row["sequence"])),
          `at step ${step}`,
        ).toEqual(Array.from({ length: others }, (_, i) => i));
        expect(await lake.read(disk.store, "theirs"), `at step ${step}`).toHaveLength(3);
        await recoverAndComplete(lake, disk, 2, `with another pipeline at step ${step}`);
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("the state is deleted at every step of a second run, and put back from a backup", async () => {
      const base = await filled(lake);
      const { length } = await stepsOf(lake, await copied(base), 2);
      const steps = chosen(length);
      for (const step of steps) {
        const disk = await copied(base);
        const backup = memoryDisk();
        const plan: FaultPlan = {
          async at({ index }) {
            if (index !== step) return undefined;
            await copyStore(disk.store, backup.store);
            await deleteBelow(disk.store, "_alluvium/");
            return undefined;
          },
        };
        const code = await codeOf(run(lake, faultStore(disk.store, plan), 2));
        expect([undefined, "ALV_STATE_LOST", "ALV_STATE_INVALID", "ALV_CONCURRENT_RUN"]).toContain(code);
        disk.later(LEASE);
        const next = await codeOf(run(lake, disk.store, 3));
        // Where the last manifest was put already, the run may end without missing the others.
        expect(next, `state deleted at step ${step}`).toMatch(/^ALV_STATE_(LOST|INVALID)$/);
        await deleteBelow(disk.store, "_alluvium/");
        for await (const { path } of backup.store.list("_alluvium/"))
          await disk.store.put(path, await backup.store.get(path));
        await recoverAndComplete(lake, disk, 3, `with the state of step ${step} put back`);
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("a backfill of a window is stopped at every step", async () => {
      const base = memoryDisk();
      await days(lake, base.store, 6, 1);
      base.later(LEASE);
      const whole = faultStore((await copied(base)).store);
      await days(lake, whole, 6, 2, WINDOW);
      const { length } = whole.steps;
      const steps = chosen(length);
      const rows = async (store: ObjectStore): Promise<readonly string[]> =>
        (await lake.read(store, "days")).map(({ day, value }) => `${String(day)}:${String(value)}`).sort();
      for (const step of steps) {
        const disk = await copied(base);
        await untilStopped(days(lake, faultStore(disk.store, { stopAt: step }), 6, 2, WINDOW));
        disk.later(LEASE);
        await days(lake, disk.store, 6, 1);
        const found = await rows(disk.store);
        expect(
          [["0:1", "1:1", "2:1", "3:1", "4:1", "5:1"], BACKFILLED],
          `stopped at step ${step}`,
        ).toContainEqual(found);
        await days(lake, disk.store, 6, 2, WINDOW);
        await days(lake, disk.store, 7, 1);
        expect(await rows(disk.store), `completed after step ${step}`).toEqual([...BACKFILLED, "6:1"]);
      }
      expect(tell(length, steps.length)).toBeGreaterThan(0);
    });

    test("a newest-first stream is cut by a deadline", async () => {
      const disk = memoryDisk();
      const deadline = new Date(Date.now() + 1_500);
      const report = await run(lake, disk.store, 1, {
        deadline,
        hang: (signal) =>
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      });
      expect(report.complete).toBe(false);
      expect(report.problems.map(({ stream, code }) => [stream, code])).toEqual([
        ["newest", "ALV_NO_CHECKPOINT"],
      ]);
      disk.later(LEASE);
      const state = await pipelineOn(lake, disk.store, 1).state();
      const { counts } = await expectRecovered(lake, disk.store, state, "after the deadline");
      expect(counts["newest"]).toBe(0);
      for (const table of ["events", "loud", "changes", "users", "grown", "places"])
        expect(counts[table], table).toBe(shopTables[table]!.rows(1).length);
      await recoverAndComplete(lake, disk, 2, "after the deadline");
    });
  });
}

/** A run during which something else happens at one step. It may win or lose; it may not harm. */
async function interleaved(
  lake: Lake,
  disk: Disk,
  step: number,
  other: () => Promise<unknown>,
): Promise<void> {
  const plan: FaultPlan = {
    async at({ index }) {
      if (index !== step) return undefined;
      disk.later(LEASE);
      await other();
      disk.later(LEASE);
      return undefined;
    },
  };
  const code = await codeOf(run(lake, faultStore(disk.store, plan), 1));
  expect(
    // Never a state that is lost: another run went on.
    [undefined, "ALV_CONCURRENT_RUN", "ALV_LOAD_EXPIRED"],
    `step ${step}`,
  ).toContain(code);
}

/** A run of another pipeline with a table of its own; gives the number of its loads. */
async function neighbour(lake: Lake, store: ObjectStore): Promise<number> {
  const theirs = resource({
    name: "theirs",
    *read() {
      yield [{ id: 1 }, { id: 2 }, { id: 3 }];
    },
  });
  const report = await pipeline({
    name: "other",
    source: source("other", () => [theirs])(),
    destination: lake.destination(store),
    leaseWait: 0,
  }).run();
  return report.loads.length;
}

const WINDOW = { since: 2, until: 4 };
const BACKFILLED = ["0:1", "1:1", "2:2", "3:2", "4:1", "5:1"];

/** A run of a pipeline with one row a day, two of which a backfill puts other rows in place of. */
async function days(
  lake: Lake,
  store: ObjectStore,
  end: number,
  value: number,
  window: Partial<typeof WINDOW> = {},
): Promise<void> {
  const read = resource({
    name: "days",
    schema: typed<{ day: number; value: number }>(),
    cursor: "day",
    disposition: { append: { replaceWhere: { day: { ">=": WINDOW.since, "<": WINDOW.until } } } },
    *read({ since = 0, until = end }) {
      for (let day = since; day < until; day++) yield { day, value };
    },
  });
  await pipeline({
    name: "days",
    source: source("days", () => [read])(),
    destination: lake.destination(store),
    leaseWait: 0,
  }).run(window);
}
