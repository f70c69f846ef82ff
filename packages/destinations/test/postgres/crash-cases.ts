import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { AlluviumError } from "@alluvium/core";
import { suiteContext } from "@alluvium/core/testing";
import { postgres } from "@alluvium/destinations/postgres";
import { lockNumber } from "../../src/postgres/advisory-lock.ts";
import { useDatabase } from "./database.ts";
import { DeadError, faultyProcess, type Death, type FaultPlan, type FaultyProcess } from "./faulty-client.ts";
import { expectComplete, expectRecovered, runScript } from "./script.ts";

const db = useDatabase("crash");
const deaths: readonly Death[] = ["before", "sent", "answered"];
let places = 0;

/** A schema of its own: what a case loads into. */
interface Place {
  readonly schema: string;
  readonly read: (table: string) => Promise<Record<string, unknown>[]>;
}

async function newPlace(): Promise<Place> {
  const schema = `crash_${(places += 1)}`;
  await db.run(`drop schema if exists ${schema} cascade`);
  return {
    schema,
    async read(table) {
      const [there] = await db.run(`select to_regclass('${schema}."${table}"') is not null as there`);
      return there!["there"] === true ? db.run(`select * from ${schema}."${table}"`) : [];
    },
  };
}

/** One run, as a process does it. */
async function run(
  place: Place,
  number: number,
  process: FaultyProcess = faultyProcess(db.url),
  options: { readonly leaseWait?: number; readonly lockTimeout?: number } = {},
): Promise<void> {
  const { leaseWait = 20_000, lockTimeout = 10_000 } = options;
  const destination = postgres({ connect: process.connect, schema: place.schema, lockTimeout });
  await using session = await destination.open({ ...suiteContext(), leaseWait });
  await runScript(session, number);
}

async function recoverAndComplete(place: Place, where: string, number = 9): Promise<void> {
  const destination = postgres({ url: db.url, schema: place.schema });
  await using session = await destination.open(suiteContext());
  await expectRecovered(session, place.read, where);
  await runScript(session, number);
  await expectComplete(session, place.read, `${where}, completed`);
  await session[Symbol.asyncDispose]();
  const left = await db.run(
    `select relname from pg_class where relnamespace = '${place.schema}'::regnamespace and relname like '\\_alv\\_stage%'`,
  );
  expect(left, `staged rows ${where}`).toEqual([]);
  await db.run(`drop schema ${place.schema} cascade`);
}

/** The code that a call fails with; `undefined` when it does not. */
async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (AlluviumError.is(error)) return error.code;
    throw error;
  }
}

async function statementsOf(number: number, place?: Place): Promise<readonly string[]> {
  const counted = faultyProcess(db.url);
  const own = place ?? (await newPlace());
  await run(own, number, counted);
  await db.run(`drop schema ${own.schema} cascade`);
  return counted.statements;
}

async function stopped(place: Place, number: number, plan: FaultPlan): Promise<FaultyProcess> {
  const process = faultyProcess(db.url, plan);
  try {
    await run(place, number, process);
  } catch (error) {
    let cause: unknown = error;
    while (cause instanceof Error && !(cause instanceof DeadError) && cause.cause !== undefined)
      cause = cause.cause;
    const broke = AlluviumError.is(error) && error.code === "ALV_CONNECTION";
    if (!(cause instanceof DeadError) && !broke) throw error;
  }
  return process;
}

/** A process that takes no notice of leases. */
function rude(place: Place, plan: FaultPlan = {}): FaultyProcess {
  const lease = String(lockNumber("lease", place.schema, "suite", "main"));
  return faultyProcess(db.url, {
    ...plan,
    answer: (text, [lock]) =>
      text.includes("pg_try_advisory_lock") && lock === lease
        ? { rows: [["t"]], fields: [{ name: "taken", dataTypeID: 16 }], rowCount: 1, command: "SELECT" }
        : undefined,
  });
}

const rivals = [
  "ALV_CONCURRENT_RUN",
  "ALV_TABLE_CONFLICT",
  "ALV_TABLE_NOT_FOUND",
  "ALV_STATE_LOST",
  "ALV_TABLE_FOREIGN",
];

const timeout = 3_600_000;

/**
 * Exactly once in PostgreSQL: a run of several streams, tables and commits is stopped at its statements, and what is there afterwards is
 * recovered and completed. `quick`: at few statements but those around a COMMIT, and only in a first run.
 */
export function crashCases({ quick }: { readonly quick: boolean }): void {
  const sample = quick ? 50 : 1;
  const after = quick ? [] : deaths;
  /** Numbers of statements to stop at. */
  const stops = (statements: readonly string[]): readonly number[] =>
    [...statements.keys()].filter(
      (index) =>
        index % sample === 0 || statements.slice(Math.max(0, index - 1), index + 2).includes("commit"),
    );

  test.for(deaths)("the process dies at a statement (%s)", { timeout }, async (death) => {
    const statements = await statementsOf(1);
    expect(statements.length).toBeGreaterThan(100);
    for (const stopAt of stops(statements)) {
      const place = await newPlace();
      const process = await stopped(place, 1, { stopAt, death });
      expect(process.stopped, `statement ${stopAt}`).toBe(true);
      await recoverAndComplete(place, `after death at statement ${stopAt}: ${statements[stopAt]}`);
    }
  });

  test.for(after)("the process dies at a statement of a second run (%s)", { timeout }, async (death) => {
    const filled = await newPlace();
    await run(filled, 1);
    const statements = await statementsOf(2, filled);
    expect(statements.length).toBeGreaterThan(20);
    for (const stopAt of stops(statements)) {
      const place = await newPlace();
      await run(place, 1);
      await stopped(place, 2, { stopAt, death });
      await recoverAndComplete(place, `after death at statement ${stopAt} of the second run`);
    }
  });

  test.for(deaths)(
    "the connection breaks at a statement (%s), and the run goes on if it can",
    { timeout },
    async (death) => {
      const statements = await statementsOf(1);
      let settled = 0;
      for (const stopAt of stops(statements)) {
        const place = await newPlace();
        const process = faultyProcess(db.url, { stopAt, death, goesOn: true });
        const code = await codeOf(run(place, 1, process));
        expect([undefined, "ALV_CONNECTION", "ALV_STORE_FAILED"], `statement ${stopAt}`).toContain(code);
        if (code === undefined) settled += 1;
        await recoverAndComplete(place, `after a break at statement ${stopAt}: ${statements[stopAt]}`);
      }
      // An answer to COMMIT that was lost is settled.
      expect(settled).toBeGreaterThanOrEqual(death === "answered" ? 2 : 0);
    },
  );

  test(
    "a second run goes through at a statement of the first, in spite of its lease",
    { timeout },
    async () => {
      const statements = await statementsOf(1);
      let lost = 0;
      for (const stopAt of stops(statements)) {
        const place = await newPlace();
        let rival: Promise<string | undefined> | undefined;
        const first = rude(place, {
          async at(index) {
            if (index !== stopAt) return;
            rival = codeOf(run(place, 2, rude(place), { lockTimeout: 200 }));
            // In a transaction of the first the second one waits for it.
            await Promise.race([rival, sleep(2000)]);
          },
        });
        const code = await codeOf(run(place, 1, first));
        expect([undefined, ...rivals], `first, statement ${stopAt}: ${statements[stopAt]}`).toContain(code);
        expect([undefined, ...rivals], `second, statement ${stopAt}: ${statements[stopAt]}`).toContain(
          await rival,
        );
        if (code !== undefined) lost += 1;
        await recoverAndComplete(place, `with a second run at statement ${stopAt}: ${statements[stopAt]}`);
      }
      expect(lost).toBeGreaterThan(0);
    },
  );
}
