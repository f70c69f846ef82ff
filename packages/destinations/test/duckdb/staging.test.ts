import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Schema } from "@alluvium/core";
import { vectorOf, type Batch } from "@alluvium/core/columns";
import { bytesSource, openParquet } from "@alluvium/core/parquet";
import { openStaging } from "../../src/duckdb/staging.ts";
import type { SqlSegment } from "../../src/sql/engine.ts";

let parent: string;
beforeAll(async () => void (parent = await mkdtemp(join(tmpdir(), "alluvium-staging-"))));
afterAll(() => rm(parent, { recursive: true }));

const int64 = { kind: "int64" } as const;
const schema: Schema = { fields: [{ name: "id", type: int64, nullable: true }] };

function ids(from: number, length: number): Batch {
  const values = BigInt64Array.from({ length }, (_, i) => BigInt(from + i));
  const column = { layout: "fixed", type: int64, length, nullCount: 0, validity: undefined, values } as const;
  return { schema, length, columns: [column] };
}

/** Rows of each row group of a sealed file. */
async function groupsOf({ relation }: SqlSegment): Promise<readonly number[]> {
  const path = /'(.*)'/.exec(relation)![1]!;
  const file = await openParquet(bytesSource(await readFile(path)));
  return file.rowGroups.map(({ rows }) => rows);
}

test("row groups are as long as those of DuckDB, however batches are cut", async () => {
  await using staging = openStaging(parent, 32 << 20);
  const segment = await staging.segment(schema);
  for (let at = 0; at < 300_000; at += 10_000) await segment.append(ids(at, 10_000));
  await segment.seal();
  expect(await groupsOf(segment)).toEqual([122_880, 122_880, 54_240]);
});

test("what all open files hold together is bounded: the largest ends its row group, and loses nothing", async () => {
  const budget = 256 << 10;
  await using staging = openStaging(parent, budget);
  const [large, small] = [await staging.segment(schema), await staging.segment(schema)];
  for (let at = 0; at < 100_000; at += 1000) {
    await large.append(ids(at, 1000));
    if (at % 20_000 === 0) await small.append(ids(at, 100));
  }
  await large.seal();
  await small.seal();
  const groups = await groupsOf(large);
  // Of eight bytes a value.
  for (const rows of groups.slice(0, -1)) expect(rows * 8).toBeGreaterThan(budget / 2);
  for (const rows of groups) expect(rows * 8).toBeLessThan(budget + 8192);
  expect(groups.reduce((sum, rows) => sum + rows)).toBe(100_000);
  expect(await groupsOf(small)).toEqual([500]);
});

test("text with a dictionary counts what the dictionary holds", async () => {
  const text = { kind: "string" } as const;
  const fields: Schema["fields"] = [{ name: "t", type: text, nullable: true }];
  const words = Array.from({ length: 500 }, (_, i) => `${i} ${"x".repeat(1000)}`);
  const column = vectorOf(text, words);
  await using staging = openStaging(parent, 256 << 10);
  const segment = await staging.segment({ fields });
  for (let i = 0; i < 10; i++) await segment.append({ schema: { fields }, length: 500, columns: [column] });
  await segment.seal();
  expect((await groupsOf(segment)).length).toBeGreaterThan(5);
});
