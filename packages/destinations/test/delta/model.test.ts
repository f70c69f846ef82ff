import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryStore } from "@alluvium/core/storage/memory";
import type { Condition, ObjectStore, Schema } from "@alluvium/core";
import type { TableOperation, TextCondition } from "../../src/lake/contract.ts";
import { deltaFormat } from "../../src/delta/format.ts";
import { deltaSchema } from "../../src/delta/types.ts";
import { name, put } from "./log.ts";
import { changeOf, contextOf, filesOf, openTable, scanRows, tableId } from "./tables.ts";

const schema: Schema = {
  fields: [
    { name: "k", type: { kind: "int32" }, nullable: true },
    { name: "f", type: { kind: "float64" }, nullable: true },
    { name: "s", type: { kind: "string" }, nullable: true },
    { name: "p", type: { kind: "string" }, nullable: true },
  ],
};
const partitionBy = [{ column: "p" }];

type Row = { k: number | null; f: number | null; s: string | null; p: string | null };
const rowArbitrary: fc.Arbitrary<Row> = fc.record({
  k: fc.option(fc.integer({ min: 0, max: 9 })),
  f: fc.option(fc.constantFrom(0, -0, 1.5, -2, Number.NaN, Number.POSITIVE_INFINITY)),
  s: fc.option(fc.constantFrom("a", "b", `${"x".repeat(40)}1`, `${"x".repeat(40)}2`, "é", "\u{1F600}")),
  p: fc.option(fc.constantFrom("u", "v", "a/b =%", "é")),
});
const opArbitrary = fc.constantFrom<TextCondition["op"]>("=", "<", "<=", ">", ">=");
const conditionArbitrary: fc.Arbitrary<TextCondition> = fc.oneof(
  fc.record({ column: fc.constant("k"), op: opArbitrary, value: fc.integer({ min: 0, max: 9 }).map(String) }),
  fc.record({
    column: fc.constant("f"),
    op: opArbitrary,
    value: fc.constantFrom("0", "1.5", "-2", "Infinity"),
  }),
  fc.record({
    column: fc.constant("s"),
    op: opArbitrary,
    value: fc.constantFrom("a", "b", "x".repeat(40), `${"x".repeat(40)}1`, "é"),
  }),
  fc.record({ column: fc.constant("p"), op: opArbitrary, value: fc.constantFrom("u", "v", "é") }),
  fc.record({
    column: fc.constantFrom("k", "p", "s"),
    op: fc.constant("=" as const),
    value: fc.constant(null),
  }),
);
interface Step {
  readonly operation: TableOperation;
  readonly rows: readonly Row[];
}
const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  operation: fc.oneof(
    { weight: 3, arbitrary: fc.constant<TableOperation>({ kind: "append" }) },
    { weight: 1, arbitrary: fc.constant<TableOperation>({ kind: "replace" }) },
    {
      weight: 4,
      arbitrary: fc
        .array(conditionArbitrary, { minLength: 1, maxLength: 2 })
        .map((where): TableOperation => ({ kind: "replaceWhere", where })),
    },
  ),
  rows: fc.array(rowArbitrary, { maxLength: 6 }),
});

/** The plain model: UTF-8 order, NaN above all, null only for null. */
function holds(row: Row, { column, op, value }: TextCondition): boolean {
  const cell = row[column as keyof Row];
  if (cell === null || value === null) return cell === null && value === null && op === "=";
  const order =
    typeof cell === "string"
      ? Buffer.compare(Buffer.from(cell), Buffer.from(value as string))
      : Number.isNaN(cell)
        ? 1
        : Math.sign(cell === Number(value) ? 0 : cell - Number(value));
  return op === "="
    ? order === 0
    : op === "<"
      ? order < 0
      : op === "<="
        ? order <= 0
        : op === ">"
          ? order > 0
          : order >= 0;
}

function after(rows: readonly Row[], { operation, rows: added }: Step): Row[] {
  if (operation.kind === "append") return [...rows, ...added];
  if (operation.kind !== "replaceWhere") return [...added];
  const { where } = operation;
  return [...rows.filter((row) => !where.every((condition) => holds(row, condition))), ...added];
}

const text = (row: Readonly<Record<string, unknown>>): string =>
  JSON.stringify([row["k"], Object.is(row["f"], -0) ? "-0" : String(row["f"]), row["s"], row["p"]]);
const multiset = (rows: readonly Readonly<Record<string, unknown>>[]): string[] => rows.map(text).sort();

async function create(configuration: Record<string, string>, partitioned: boolean): Promise<ObjectStore> {
  const store = memoryStore();
  await put(store, name(0), [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: tableId,
        format: { provider: "parquet", options: {} },
        schemaString: JSON.stringify(deltaSchema(schema)),
        partitionColumns: partitioned ? ["p"] : [],
        configuration,
      },
    },
  ]);
  return store;
}

async function apply(
  store: ObjectStore,
  step: Step,
  sequence: number,
  pipeline: string,
  partitioned: boolean,
): Promise<number> {
  const by = partitioned ? partitionBy : [];
  const files = await filesOf(store, schema, step.rows, by);
  const change = changeOf(schema, { create: false, partitionBy: by, operation: step.operation, files });
  const { version, already } = await deltaFormat.apply(change, contextOf(store, sequence, pipeline));
  expect(already).toBe(false);
  return version!;
}

const configurations: Record<string, string>[] = [
  {},
  { "delta.checkpointInterval": "2" },
  {
    "delta.checkpointInterval": "3",
    "delta.checkpoint.writeStatsAsStruct": "true",
    "delta.checkpoint.writeStatsAsJson": "false",
  },
];

describe("two writers", () => {
  test(
    "any appends, replaces and replaced windows, in turn and at once, leave what a plain list of rows has",
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(stepArbitrary, fc.option(stepArbitrary)), { minLength: 1, maxLength: 7 }),
          fc.constantFrom(...configurations),
          fc.boolean(),
          fc.array(conditionArbitrary, { maxLength: 2 }),
          async (steps, configuration, partitioned, where) => {
            const store = await create(configuration, partitioned);
            const models: Row[][] = [[]];
            for (const [sequence, [mine, theirs]] of steps.entries()) {
              const done = await Promise.all([
                apply(store, mine, sequence, "a", partitioned).then((version) => ({ version, step: mine })),
                ...(theirs === null
                  ? []
                  : [
                      apply(store, theirs, sequence, "b", partitioned).then((version) => ({
                        version,
                        step: theirs,
                      })),
                    ]),
              ]);
              // Who came first is what the versions say.
              for (const { version, step } of done.sort((a, b) => a.version - b.version)) {
                expect(version).toBe(models.length);
                models.push(after(models.at(-1)!, step));
              }
            }
            const newest = models.length - 1;
            const latest = await openTable(store);
            expect(latest.version).toBe(newest);
            expect(await latest.rows()).toBe(models[newest]!.length);
            const conditions: Condition[] = where.map(({ column, op, value }) => ({
              column,
              op,
              value: column === "f" && value !== null ? Number(value) : value,
            }));
            expect(multiset(await scanRows(latest, { where: conditions }))).toEqual(
              multiset(models[newest]!.filter((row) => where.every((condition) => holds(row, condition)))),
            );
            for (const [version, model] of models.entries())
              expect(multiset(await scanRows(await openTable(store, { version })))).toEqual(multiset(model));
            // Without checksums, and without the log that a checkpoint covers, it is the same table.
            const names: string[] = [];
            for await (const { path } of store.list("t/_delta_log/")) names.push(path);
            const covered = names.filter((path) => path.endsWith(".checkpoint.parquet")).at(-1);
            await store.delete(
              names.filter(
                (path) =>
                  path.endsWith(".crc") ||
                  (covered !== undefined && path.endsWith(".json") && path < covered),
              ),
            );
            expect(multiset(await scanRows(await openTable(store)))).toEqual(multiset(models[newest]!));
          },
        ),
        { numRuns: 25 },
      );
    },
  );
});
