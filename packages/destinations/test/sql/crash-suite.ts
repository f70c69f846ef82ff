import { expect, test } from "vitest";
import {
  AlluviumError,
  type DestinationSession,
  type OpenContext,
  type PipelineState,
  type Schema,
  type TablePlan,
} from "@alluvium/core";
import { vectorOf, type Batch } from "@alluvium/core/columns";
import { stateAt, suiteContext } from "../../../core/src/testing/suite-session.ts";
import type { SqlDatabase } from "../../src/sql/engine.ts";
import { openSqlSession } from "../../src/sql/session.ts";
import { faultyDatabase, Stopped, type Faults } from "./faulty-database.ts";

/** A new, empty place. */
export interface CrashPlace extends AsyncDisposable {
  readonly database: SqlDatabase;
  /** Rows of a table as texts, in any order; nothing where there is no such table. */
  read(table: string, columns: readonly string[]): Promise<readonly string[]>;
  /** Runs a statement as somebody else. */
  run(sql: string): Promise<void>;
}

const int64 = { kind: "int64" } as const;
const string = { kind: "string" } as const;
const schema: Schema = {
  fields: [
    { name: "id", type: int64, nullable: false },
    { name: "a", type: string, nullable: true },
  ],
};
const wider: Schema = { fields: [...schema.fields, { name: "b", type: int64, nullable: true }] };

const plan = (table: string, more: Partial<TablePlan>): TablePlan => ({
  table,
  stream: table,
  disposition: { kind: "append" },
  primaryKey: ["id"],
  partitionBy: [],
  schema,
  ...more,
});
const merge = (strategy: "upsert" | "insertOnly" | "deleteInsert" | "scd2") =>
  ({ kind: "merge", strategy }) as const;
const validity = { from: "valid_from", to: "valid_to", active: "active", retireAbsent: false };

/** Tables of every kind, the columns by which they are compared (no times), and what each of the loads brings. */
const tables = [
  { plan: plan("added", {}), columns: ["id", "a"] },
  { plan: plan("put", { disposition: merge("upsert") }), columns: ["id", "a"] },
  { plan: plan("kept", { disposition: merge("insertOnly") }), columns: ["id", "a"] },
  {
    plan: plan("versions", { disposition: merge("scd2"), merge: { validity } }),
    columns: ["id", "a", "active"],
  },
  { plan: plan("whole", { disposition: { kind: "replace", allowEmpty: false } }), columns: ["id", "a"] },
  {
    plan: plan("group", { disposition: merge("deleteInsert"), merge: { mergeKey: ["a"] } }),
    columns: ["id", "a"],
  },
];
const LOADS = 3;

function rows(load: number, columns: Schema): Batch {
  const ids = Array.from({ length: 6 }, (_, i) => BigInt((i + 3 * load) % 9));
  return {
    schema: columns,
    length: ids.length,
    columns: columns.fields.map(({ name, type }) =>
      vectorOf(
        type,
        ids.map((id) => (name === "a" ? `a${(Number(id) + load) % 4}` : id)),
      ),
    ),
  };
}

/** Moved keys, deletes and cells that are not held, which are folded outside of the database. */
function changes(load: number): Batch {
  const batch = rows(load, schema);
  const old = [null, null, null, 3n * BigInt(load) + 2n, null, null];
  return {
    ...batch,
    changes: {
      ops: Uint8Array.from([1, 2, 0, 1, 0, 0]),
      ordinals: BigInt64Array.from([1n, 2n, 3n, 4n, 5n, 6n]),
      oldKeys: {
        schema: { fields: [{ ...schema.fields[0]!, nullable: true }] },
        length: batch.length,
        columns: [vectorOf(int64, old)],
      },
      ...(load > 0 && { unchanged: [undefined, Uint8Array.of(0b010000)] }),
    },
  };
}

function batchesOf(table: string, load: number): readonly Batch[] {
  if (table === "put") return load === 0 ? [rows(0, schema)] : [changes(load)];
  // A column is added by the last load.
  return [rows(load, load === LOADS - 1 && table === "added" ? wider : schema)];
}

const context = (): OpenContext => ({ ...suiteContext(), leaseWait: 1000 });

async function loadFrom(session: DestinationSession, state: PipelineState | undefined): Promise<void> {
  for (let load = (state?.sequence ?? -1) + 1; load < LOADS; load++) {
    const loadId = crypto.randomUUID();
    await using open = await session.begin({
      loadId,
      startedAt: new Date(),
      tables: tables.map((table) => table.plan),
    });
    for (const {
      plan: { table },
    } of tables) {
      for (const batch of batchesOf(table, load)) await open.write(table, batch);
      await open.mark(table, { seal: true, end: true });
    }
    await open.commit(stateAt(load, loadId));
  }
}

async function process(database: SqlDatabase): Promise<void> {
  await using session = await openSqlSession(database, context());
  await loadFrom(session, await session.recover());
}

type Snapshot = Readonly<Record<string, readonly string[]>>;

async function snapshot(place: CrashPlace): Promise<Snapshot> {
  const found: Record<string, readonly string[]> = {};
  for (const {
    plan: { table },
    columns,
  } of tables)
    found[table] = (await place.read(table, columns)).toSorted();
  return found;
}

async function sequenceOf(place: CrashPlace): Promise<number> {
  await using session = await openSqlSession(place.database, context());
  const state = await session.recover({ readOnly: true });
  return state?.sequence ?? -1;
}

/** What a load does when its process stops at any step, or the answer to its commit is lost. `every`: only each so many steps. */
export function crashSuite(open: () => Promise<CrashPlace>, options: { readonly every?: number } = {}): void {
  const { every = 1 } = options;

  async function expected(): Promise<{ readonly after: readonly Snapshot[]; readonly steps: number }> {
    const after: Snapshot[] = [];
    await using place = await open();
    const faulty = faultyDatabase(place.database, {
      async at({ what, when }) {
        if (what === "commit" && when === "after") after.push(await snapshot(place));
      },
    });
    await process(faulty);
    return { after, steps: faulty.steps.length };
  }

  test(
    "a process that stops at any step leaves whole loads, and the next one goes on",
    { timeout: 1_200_000 },
    async () => {
      const { after, steps } = await expected();
      expect(after).toHaveLength(LOADS);
      expect(after[LOADS - 1]!["put"]!.length).toBeGreaterThan(3);
      for (let stopAt = 0; stopAt < steps; stopAt += every) {
        await using place = await open();
        const faulty = faultyDatabase(place.database, { stopAt });
        await expect(process(faulty), `step ${stopAt}`).rejects.toThrow(Stopped);
        const where = `stopped ${faulty.steps.at(-1)?.when} ${faulty.steps.at(-1)?.what} (step ${stopAt})`;
        const sequence = await sequenceOf(place);
        const found = await snapshot(place);
        const empty = Object.fromEntries(Object.keys(found).map((name) => [name, []]));
        expect(found, where).toEqual(sequence < 0 ? empty : after[sequence]);
        await process(place.database);
        expect(await snapshot(place), where).toEqual(after[LOADS - 1]);
      }
    },
  );

  async function withLost(
    lost: NonNullable<Faults["lost"]>,
  ): Promise<{ readonly error: unknown; readonly place: CrashPlace }> {
    const place = await open();
    const faulty = faultyDatabase(place.database, { lost });
    const error = await process(faulty).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return { error, place };
  }

  test("a commit whose answer was lost counts where it holds", async () => {
    const { after } = await expected();
    const { error, place } = await withLost({ commit: 1, holds: true, staged: true });
    await using _ = place;
    expect(error).toBeUndefined();
    expect(await snapshot(place)).toEqual(after[LOADS - 1]);
  });

  test("one that does not hold is an error that says so, and may be tried again", async () => {
    const { after } = await expected();
    const { error, place } = await withLost({ commit: 1, holds: false, staged: true });
    await using _ = place;
    expect(AlluviumError.is(error) && error.code).toBe("ALV_CONNECTION");
    expect(await sequenceOf(place)).toBe(0);
    expect(await snapshot(place)).toEqual(after[0]);
    await process(place.database);
    expect(await snapshot(place)).toEqual(after[LOADS - 1]);
  });

  test("one that holds though what was staged is lost ends the session after it", async () => {
    const { after } = await expected();
    const { error, place } = await withLost({ commit: 1, holds: true, staged: false });
    await using _ = place;
    expect(AlluviumError.is(error) && error.code).toBe("ALV_CONNECTION");
    expect(await sequenceOf(place)).toBe(1);
    await process(place.database);
    expect(await snapshot(place)).toEqual(after[LOADS - 1]);
  });

  test("a zombie commits nothing: another run went on while it slept", async () => {
    await using place = await open();
    let rival = false;
    const faulty = faultyDatabase(place.database, {
      async at({ what, when }) {
        if (rival || what !== "begin" || when !== "before") return;
        rival = true;
        // Its lease lapsed, as one does that cannot be renewed.
        const other = faultyDatabase(place.database);
        const session = await openSqlSession(
          { ...other, connect: async (open) => unleased(await other.connect(open)) },
          context(),
        );
        await loadFrom(session, await session.recover());
        await session[Symbol.asyncDispose]();
      },
    });
    const error = await process(faulty).catch((reason: unknown) => reason);
    expect(AlluviumError.is(error) && error.code).toBe("ALV_CONCURRENT_RUN");
    const { after } = await expected();
    expect(await snapshot(place)).toEqual(after[LOADS - 1]);
  });
}

/** A connection that takes whatever lease it wants. */
function unleased(connection: Awaited<ReturnType<SqlDatabase["connect"]>>): typeof connection {
  return {
    ...connection,
    lease: () =>
      Promise.resolve({ check: () => Promise.resolve(true), [Symbol.asyncDispose]: () => Promise.resolve() }),
  };
}
