import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  AlluviumError,
  type DestinationSession,
  type LoadReceipt,
  type MergeStrategy,
  type Schema,
} from "@alluvium/core";
import { scalarReader, type Batch } from "@alluvium/core/columns";
import { openTarget, stateAt, suiteDestination } from "../../../core/src/testing/suite-session.ts";
import { mergeCase, schema, type Case } from "../../../core/test/merge/arbitrary.ts";
import { keepHistory } from "../../../core/src/testing/history-model.ts";
import { mergeRows } from "../../../core/src/testing/merge-model.ts";
import { modelChanges } from "../../../core/src/testing/model-changes.ts";
import { batchOfRows, type ModelRow } from "../../../core/src/testing/model-rows.ts";
import { memoryDatabase, type TestDatabase } from "./database.ts";

const runs = Number(process.env["MERGE_RUNS"] ?? 20);
let database: TestDatabase;
let session: DestinationSession;
let count = 0;
let sequence = 0;

beforeAll(async () => {
  database = await memoryDatabase();
  session = await openTarget(suiteDestination(database.destination, (table) => database.read(table)));
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Loads batches, with a sealed mark after each stretch. */
async function load(plan: Case["plan"], written: Case["written"]): Promise<LoadReceipt> {
  const loadId = crypto.randomUUID();
  const load = await session.begin({ loadId, startedAt: new Date(), tables: [plan] });
  try {
    let stretch = 0;
    for (const { batch, stretch: next } of written) {
      if (next !== stretch) await load.mark(plan.stream, { seal: true, end: false });
      stretch = next;
      await load.write(plan.table, batch);
    }
    await load.mark(plan.stream, { seal: true, end: true });
    const receipt = await load.commit(stateAt(sequence, loadId));
    sequence += 1;
    return receipt;
  } finally {
    await load[Symbol.asyncDispose]();
  }
}

async function stored(table: string, { fields }: Schema): Promise<string[]> {
  const columns = fields.map(({ name, type }) =>
    type.kind === "timestamp" ? `epoch_us("${name}") as "${name}"` : `"${name}"`,
  );
  const rows = await database.query(`select ${columns.join(", ")} from "${table}"`);
  return rows.map((row) => fields.map(({ name }) => String(row[name])).join("|")).sort();
}

function texts(batch: Batch): string[] {
  const readers = batch.columns.map((one) => (one.layout === "null" ? () => null : scalarReader(one)));
  return Array.from({ length: batch.length }, (_, row) =>
    readers.map((read) => String(read(row))).join("|"),
  ).sort();
}

/** The outcome, or the code of the error. */
async function outcome<Value>(run: () => Value | Promise<Value>): Promise<Value | string> {
  try {
    return await run();
  } catch (error) {
    if (AlluviumError.is(error) && error.code !== "ALV_INTERNAL" && error.code !== "ALV_STORE_FAILED")
      return error.code;
    throw error;
  }
}

const instant = { kind: "timestamp", zone: "utc" } as const;
const versioned: Schema = {
  fields: [
    ...schema.fields,
    { name: "_alv_valid_from", type: instant, nullable: false },
    { name: "_alv_valid_to", type: instant, nullable: true },
    { name: "_alv_active", type: { kind: "boolean" }, nullable: false },
  ],
};

test.for(["upsert", "insertOnly", "deleteInsert", "scd2"] as const)(
  "%s: loads give what their changes give one after another",
  { timeout: 600_000 },
  async (strategy: MergeStrategy) => {
    const columns = strategy === "scd2" ? versioned : schema;
    const model = (before: readonly ModelRow[], one: Case, written: Case["written"], now: Date) =>
      strategy === "scd2"
        ? keepHistory(before, modelChanges(written, one.plan), {
            plan: one.plan,
            schema,
            now: BigInt(now.getTime()) * 1000n,
          })
        : mergeRows(before, modelChanges(written, one.plan), one.plan);
    await fc.assert(
      fc.asyncProperty(mergeCase(strategy), async (one) => {
        const name = `t${count++}`;
        const plan = { ...one.plan, table: name, stream: name };
        const first = [{ batch: one.stored, stretch: 0 }];
        const begun = await load(plan, first);
        const before = model([], one, first, begun.committedAt).rows;
        expect(await stored(name, columns)).toEqual(texts(batchOfRows(before, columns)));
        let committedAt = new Date();
        const actual = await outcome(async () => {
          const receipt = await load(plan, one.written);
          committedAt = receipt.committedAt;
          return receipt.tables[0]?.changed;
        });
        const expected = await outcome(() => model(before, one, one.written, committedAt));
        const standing = typeof expected === "string" ? before : expected.rows;
        expect(await stored(name, columns)).toEqual(texts(batchOfRows(standing, columns)));
        const truncates = one.written.some(({ batch }) => batch.changes?.ops.includes(3));
        const isCounted = !truncates && one.written.some(({ batch }) => batch.length > 0);
        const counts = typeof expected === "string" ? expected : expected.counts;
        expect(isCounted || typeof actual === "string" ? actual : counts).toEqual(counts);
      }),
      { numRuns: runs },
    );
  },
);
