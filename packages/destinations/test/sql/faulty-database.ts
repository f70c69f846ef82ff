import {
  CommitUnknownError,
  type SqlConnection,
  type SqlDatabase,
  type SqlLease,
  type SqlSegment,
} from "../../src/sql/engine.ts";

/** One step: a call of the connection or of a segment, before or after its effect. */
export interface Step {
  readonly index: number;
  readonly what: string;
  readonly when: "before" | "after";
}

/** Thrown by everything once the process is dead. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** What goes wrong. */
export interface Faults {
  /** The process dies at the step of this index. */
  readonly stopAt?: number;
  /** What becomes of the answer to the commit of this number (from 0): it holds or not, and what was staged is there or not. */
  readonly lost?: { readonly commit: number; readonly holds: boolean; readonly staged: boolean };
  /** Called at each step; others may act meanwhile. */
  readonly at?: (step: Step) => void | Promise<void>;
}

/** A database as one process sees it, whose death closes its connection. */
export interface FaultyDatabase extends SqlDatabase {
  readonly steps: readonly Step[];
}

/** Wraps a database to stop a process at any step. */
export function faultyDatabase(inner: SqlDatabase, faults: Faults = {}): FaultyDatabase {
  const steps: Step[] = [];
  let dead = false;
  let commits = 0;
  let dying: () => Promise<void> = () => Promise.resolve();

  async function step(what: string, when: Step["when"]): Promise<void> {
    if (dead) throw new Stopped("the process is dead");
    const at = { index: steps.length, what, when };
    steps.push(at);
    if (faults.stopAt === at.index) {
      dead = true;
      await dying();
      throw new Stopped(`stopped ${when} ${what}`);
    }
    await faults.at?.(at);
  }
  async function around<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    await step(what, "before");
    const result = await work();
    await step(what, "after");
    return result;
  }

  function wrapSegment(segment: SqlSegment): SqlSegment {
    return {
      schema: segment.schema,
      relation: segment.relation,
      get bytes() {
        return segment.bytes;
      },
      append: (batch, call) => around("append", () => segment.append(batch, call)),
      seal: () => around("seal", () => segment.seal()),
      drop: () => around("drop", () => segment.drop()),
    };
  }

  function wrap(connection: SqlConnection): SqlConnection {
    let lease: SqlLease | undefined;
    let staged = true;
    dying = async () => {
      await lease?.[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    };
    return {
      dialect: connection.dialect,
      query: (statement, call) => around(statement.text, () => connection.query(statement, call)),
      execute: (statement, call) => around(statement.text, () => connection.execute(statement, call)),
      async *scan(statement, schema, call) {
        await step(statement.text, "before");
        for await (const batch of connection.scan(statement, schema, call)) yield batch;
        await step(statement.text, "after");
      },
      async transaction(work) {
        await step("begin", "before");
        const lost = faults.lost?.commit === commits ? faults.lost : undefined;
        const unknown = new CommitUnknownError("the answer was lost");
        try {
          const result = await connection.transaction(async () => {
            const done = await work();
            await step("commit", "before");
            if (lost?.holds === false) throw unknown;
            return done;
          });
          await step("commit", "after");
          commits += 1;
          if (lost !== undefined) throw unknown;
          return result;
        } catch (error) {
          if (error === unknown) {
            commits += lost?.holds === false ? 1 : 0;
            staged = lost!.staged;
          }
          throw error;
        }
      },
      settle: () => around("settle", () => Promise.resolve({ staged })),
      setUp: (statements) => around("setUp", () => connection.setUp(statements)),
      sweep: () => around("sweep", () => connection.sweep()),
      async lease(options) {
        await step("lease", "before");
        lease = await connection.lease(options);
        await step("lease", "after");
        return lease;
      },
      refusal: (error) => connection.refusal(error),
      inspect: (table, options) => around(`inspect ${table}`, () => connection.inspect(table, options)),
      async stage(schema) {
        await step("stage", "before");
        const segment = await connection.stage(schema);
        await step("stage", "after");
        return wrapSegment(segment);
      },
      async [Symbol.asyncDispose]() {
        if (!dead) await connection[Symbol.asyncDispose]();
      },
    };
  }

  return {
    name: inner.name,
    capabilities: inner.capabilities,
    steps,
    connect: async (context) => wrap(await inner.connect(context)),
  };
}
