import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  AlluviumError,
  type DestinationSession,
  type MergeStrategy,
  type PipelineState,
  type TablePlan,
} from "@alluvium/core";
import type { Batch } from "@alluvium/core/columns";
import { suiteContext } from "@alluvium/core/testing";
import { postgres } from "@alluvium/destinations/postgres";
import { mergeCase, schema, type Case } from "../../../core/test/merge/arbitrary.ts";
import { rowTexts } from "../../../core/test/merge/folded-table.ts";
import { keepHistory } from "../../../core/src/testing/history-model.ts";
import { mergeRows } from "../../../core/src/testing/merge-model.ts";
import { modelChanges } from "../../../core/src/testing/model-changes.ts";
import { batchOfRows, modelRows } from "../../../core/src/testing/model-rows.ts";
import { postgresDatabase } from "../../src/postgres/database.ts";
import { useDatabase } from "./database.ts";

const db = useDatabase("merge");
const runs = Number(process.env["FOLD_RUNS"] ?? 25);

/** Rows by their text, and what was counted; or the code of the error. */
type Outcome = { readonly rows: readonly string[]; readonly counts: unknown } | string;

async function outcome(run: () => Outcome | Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    if (AlluviumError.is(error) && error.code !== "ALV_INTERNAL") return error.code;
    throw error;
  }
}

let names = 0;

test.for<MergeStrategy>(["upsert", "insertOnly", "deleteInsert", "scd2"])(
  "%s: a load gives what its changes give one after another",
  { timeout: 600_000 },
  async (strategy) => {
    const place = `merge_${strategy.toLowerCase()}`;
    await db.run(`create schema ${place}`);
    const destination = postgres({ url: db.url, schema: place });
    await using reader = await postgresDatabase({ url: db.url, schema: place }).connect(suiteContext());
    const property = fc.asyncProperty(mergeCase(strategy), async ({ stored, written, plan: asked }) => {
      const table = `t${++names}`;
      const plan: TablePlan = { ...asked, table, stream: table };
      const all = strategy === "scd2" ? { fields: [...schema.fields, ...validity] } : schema;
      const read = async (): Promise<Batch> => {
        const columns = all.fields.map(({ name }) => reader.dialect.quote(name)).join(", ");
        const batches: Batch[] = [];
        for await (const batch of reader.scan(
          { text: `select ${columns} from ${reader.dialect.table(table)}` },
          all,
        ))
          batches.push(batch);
        expect(batches.length).toBeLessThanOrEqual(1);
        return (
          batches[0] ?? { schema: all, length: 0, columns: stored.columns.concat(stored.columns.slice(0, 3)) }
        );
      };
      await using session = await destination.open({
        ...suiteContext(),
        pipeline: { pipeline: table, lane: "main" },
      });
      await session.recover();
      await load(session, plan, 0, [{ batch: stored, stretch: 0 }]);
      const before = modelRows(await read());
      let now = 0n;
      const actual = await outcome(async () => {
        const receipt = await load(session, plan, 1, written);
        now = BigInt(receipt.committedAt.getTime()) * 1000n;
        return { rows: rowTexts(await read()).toSorted(), counts: receipt.tables[0]?.changed ?? nothing };
      });
      const expected = await outcome(() => {
        const changes = modelChanges(written, plan);
        const merged =
          strategy === "scd2"
            ? keepHistory(before, changes, { plan, schema, now })
            : mergeRows(before, changes, plan);
        return { rows: rowTexts(batchOfRows(merged.rows, all)).toSorted(), counts: merged.counts };
      });
      const isCounted = written.every(({ batch }) => batch.changes?.ops.includes(3) !== true);
      const summary = (one: typeof actual): unknown =>
        typeof one === "string" ? one : isCounted ? one.counts : undefined;
      expect(summary(actual)).toEqual(summary(expected));
      const standing = rowTexts(batchOfRows(before, all)).toSorted();
      expect(rowTexts(await read()).toSorted()).toEqual(
        typeof expected === "string" ? standing : expected.rows,
      );
      await db.run(`drop table ${place}.${table}`);
    });
    await fc.assert(property, { numRuns: runs });
  },
);

/** A load without rows has no receipt of its table. */
const nothing = { inserted: 0, updated: 0, deleted: 0 };

const validity = [
  { name: "_alv_valid_from", type: { kind: "timestamp", zone: "utc" }, nullable: true },
  { name: "_alv_valid_to", type: { kind: "timestamp", zone: "utc" }, nullable: true },
  { name: "_alv_active", type: { kind: "boolean" }, nullable: true },
] as const;

async function load(
  session: DestinationSession,
  plan: TablePlan,
  sequence: number,
  written: Case["written"],
): ReturnType<Awaited<ReturnType<DestinationSession["begin"]>>["commit"]> {
  const loadId = randomBytes(8).toString("hex");
  await using opened = await session.begin({ loadId, startedAt: new Date(), tables: [plan] });
  let stretch = written[0]?.stretch ?? 0;
  for (const one of written) {
    if (one.stretch !== stretch) await opened.mark(plan.stream, { seal: true, end: false });
    stretch = one.stretch;
    await opened.write(plan.table, one.batch);
  }
  await opened.mark(plan.stream, { seal: true, end: true });
  const state: PipelineState = { incarnation: "00", sequence, loadId, streams: {}, tables: {} };
  return await opened.commit(state);
}
