import * as fc from "fast-check";
import { vectorOf, type Batch } from "@alluvium/core/columns";
import type { MergeStrategy, TablePlan } from "@alluvium/core";
import type { Schema } from "@alluvium/core/schema";
import type { WrittenBatch } from "../../src/testing/model-changes.ts";

/** Columns of the tables that are merged here: the key is `id`, or `id` and `part`. */
export const schema: Schema = {
  fields: [
    { name: "id", type: { kind: "int64" }, nullable: true },
    { name: "part", type: { kind: "string" }, nullable: true },
    { name: "group", type: { kind: "string" }, nullable: true },
    { name: "a", type: { kind: "int32" }, nullable: true },
    { name: "b", type: { kind: "string" }, nullable: true },
    { name: "at", type: { kind: "int32" }, nullable: true },
    { name: "gone", type: { kind: "boolean" }, nullable: true },
    { name: "since", type: { kind: "timestamp", zone: "utc" }, nullable: true },
  ],
};

const values = {
  id: fc.integer({ min: 1, max: 4 }),
  part: fc.constantFrom("x", "y"),
  group: fc.option(fc.constantFrom("g", "h")),
  a: fc.option(fc.integer({ min: 0, max: 2 })),
  b: fc.option(fc.constantFrom("p", "q")),
  at: fc.option(fc.integer({ min: 0, max: 5 })),
  gone: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  since: fc.option(fc.bigInt({ min: 0n, max: 5n })),
};
const cells = schema.fields.slice(2).map(({ name }) => name as keyof typeof values);
const row = fc.record(values);

type Row = typeof row extends fc.Arbitrary<infer Value> ? Value : never;

interface Change {
  readonly row: Row;
  readonly op: number;
  readonly old: Pick<Row, "id" | "part"> | null;
  readonly unsent: readonly boolean[];
}

const change = (features: Features): fc.Arbitrary<Change> =>
  fc.record({
    row,
    op: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 4, arbitrary: fc.constant(1) },
      { weight: 2, arbitrary: fc.constant(2) },
      { weight: features.truncates ? 1 : 0, arbitrary: fc.constant(3) },
    ),
    old: features.moves
      ? fc.option(fc.record({ id: values.id, part: values.part }), { freq: 3 })
      : fc.constant(null),
    unsent: features.partial
      ? fc.oneof(
          { weight: 2, arbitrary: fc.constant(cells.map(() => false)) },
          {
            weight: 1,
            arbitrary: fc.array(fc.boolean(), { minLength: cells.length, maxLength: cells.length }),
          },
        )
      : fc.constant(cells.map(() => false)),
  });

/** What may occur in a load. */
export interface Features {
  readonly partial: boolean;
  readonly moves: boolean;
  readonly truncates: boolean;
}

/** A table with rows of distinct keys, and a load for it. */
export interface Case {
  readonly stored: Batch;
  readonly written: readonly WrittenBatch[];
  readonly plan: TablePlan;
}

export function mergeCase(strategy: MergeStrategy): fc.Arbitrary<Case> {
  return fc
    .record({
      partial: strategy === "deleteInsert" ? fc.constant(false) : fc.boolean(),
      moves: fc.boolean(),
      truncates: fc.boolean(),
      composite: fc.boolean(),
      orderBy:
        strategy === "insertOnly" ? fc.constant(undefined) : fc.option(fc.constant("at"), { nil: undefined }),
      deleteFlag:
        strategy === "insertOnly"
          ? fc.constant(undefined)
          : fc.option(fc.constant("gone"), { nil: undefined }),
      mergeKey:
        strategy === "deleteInsert"
          ? fc.constantFrom(undefined, ["group"], ["group", "a"])
          : fc.constant(undefined),
      boundary: fc.constantFrom(undefined, { column: "since" }),
      retireAbsent: fc.boolean(),
    })
    .chain(({ partial, moves, truncates, composite, orderBy, deleteFlag, mergeKey, ...more }) => {
      const primaryKey = composite ? ["id", "part"] : ["id"];
      const keyOf = ({ id, part }: Row): string => (composite ? `${id} ${part}` : `${id}`);
      const plan: TablePlan = {
        table: "t",
        stream: "t",
        disposition: { kind: "merge", strategy },
        merge: {
          orderBy,
          deleteFlag,
          mergeKey,
          ...(strategy === "scd2" && {
            validity: {
              from: "_alv_valid_from",
              to: "_alv_valid_to",
              active: "_alv_active",
              boundary: more.boundary,
              retireAbsent: more.retireAbsent,
            },
          }),
        },
        primaryKey,
        partitionBy: [],
        schema,
      };
      return fc
        .record({
          stored: fc.uniqueArray(row, { selector: keyOf, maxLength: 5 }),
          parts: fc.array(
            fc.record({
              changes: fc.array(change({ partial, moves, truncates }), { maxLength: 6 }),
              isPlain: fc.boolean(),
              ordinals: fc.array(fc.bigInt({ min: 0n, max: 9n }), { minLength: 6, maxLength: 6 }),
              isNext: fc.boolean(),
            }),
            { minLength: 1, maxLength: 4 },
          ),
        })
        .map(({ stored, parts }) => {
          let stretch = 0;
          return {
            stored: batchOfStored(stored),
            plan,
            written: parts.map(({ changes, isPlain, ordinals, isNext }) => {
              if (isNext) stretch += 1;
              const batch = isPlain
                ? batchOfStored(changes.map((one) => one.row))
                : changeBatch(changes, ordinals);
              return { batch, stretch };
            }),
            // Arrays of vectors are long; this is what they were made of.
            [fc.toStringMethod]: () => fc.stringify({ merge: plan.merge, primaryKey, stored, parts }),
          };
        });
    });
}

function batchOfStored(rows: readonly Row[]): Batch {
  return {
    schema,
    length: rows.length,
    columns: schema.fields.map(({ name, type }) =>
      vectorOf(
        type,
        rows.map((one) => one[name as keyof Row]),
      ),
    ),
  };
}

function changeBatch(changes: readonly Change[], ordinals: readonly bigint[]): Batch {
  const { length } = changes;
  const batch = batchOfStored(
    changes.map(({ row: one, op, unsent }) => ({
      ...one,
      ...(op === 3 && { id: null as never, part: null as never }),
      // Deletes by op come by key alone, but may carry the order column.
      ...(op >= 2 &&
        Object.fromEntries(
          cells.map((name) => [name, name === "at" || name === "since" ? one[name] : null]),
        )),
      ...Object.fromEntries(cells.flatMap((name, i) => (unsent[i] && op < 2 ? [[name, null]] : []))),
    })),
  );
  const keyFields = schema.fields.slice(0, 2);
  return {
    ...batch,
    changes: {
      ops: Uint8Array.from(changes, ({ op }) => op),
      ordinals: BigInt64Array.from(ordinals.slice(0, length)),
      ...(changes.some(({ old }) => old !== null) && {
        oldKeys: {
          schema: { fields: keyFields },
          length,
          columns: keyFields.map(({ name, type }) =>
            vectorOf(
              type,
              changes.map(({ old, op }) => (op === 1 ? (old?.[name as "id" | "part"] ?? null) : null)),
            ),
          ),
        },
      }),
      ...(changes.some(({ unsent }) => unsent.includes(true)) && {
        unchanged: schema.fields.map(({ name }) => {
          const at = cells.indexOf(name as never);
          if (at < 0) return undefined;
          const bits = new Uint8Array((length + 7) >> 3);
          changes.forEach(({ unsent, op }, i) => {
            if (unsent[at] && op < 2) bits[i >> 3]! |= 1 << (i & 7);
          });
          return bits;
        }),
      }),
    },
  };
}
