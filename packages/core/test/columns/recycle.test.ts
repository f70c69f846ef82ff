import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { createAppender } from "../../src/columns/append.ts";
import { BytesBuilder, FixedBuilder } from "../../src/columns/builder.ts";
import { finishColumn, recycleColumn } from "../../src/columns/column-finish.ts";
import { createColumn } from "../../src/columns/column.ts";
import { putValue } from "../../src/columns/put.ts";
import { rowsOf, userReader } from "../../src/columns/rows.ts";
import { columnType, valueOf } from "./arbitrary.ts";
import { poison } from "./poison.ts";

vi.setConfig({ testTimeout: 60_000 });

const batches = columnType.chain((type) =>
  fc
    .array(fc.array(valueOf(type), { maxLength: 30 }), { minLength: 2, maxLength: 5 })
    .map((lists) => ({ type, lists })),
);

test("columns built in arrays that were given back hold their own values only", () => {
  fc.assert(
    fc.property(batches, ({ type, lists }) => {
      const context = { row: 0, rows: 16, undo: [], infer: {}, typeOf: () => undefined };
      const column = createColumn("value", "value", 0, context, type);
      for (const values of lists) {
        values.forEach((value, row) => putValue(column, value, row));
        const vector = finishColumn(column, values.length);
        const read = userReader(vector);
        expect(values.map((_, row) => read(row))).toEqual(values);
        poison(vector);
        recycleColumn(column, vector);
      }
    }),
  );
});

/** Values whose kinds change from row to row, so that columns turn up, become wider, and become JSON. */
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.constantFrom("", "plain", "ünïcode", "x".repeat(100)),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { noNullPrototype: true }),
  ),
}));
const row = fc.dictionary(fc.constantFrom("a", "b", "c"), anyValue, { minKeys: 1, noNullPrototype: true });

test("an appender that gets its batches back makes the same of rows as one that does not", () => {
  fc.assert(
    fc.property(fc.array(fc.array(row, { maxLength: 20 }), { minLength: 2, maxLength: 6 }), (pages) => {
      const [reuses, keeps] = [createAppender(), createAppender()];
      for (const rows of pages) {
        for (const one of rows) for (const appender of [reuses, keeps]) appender.append(one);
        const batch = reuses.finish();
        const expected = keeps.finish();
        expect(batch.schema).toEqual(expected.schema);
        expect(rowsOf(batch)).toEqual(rowsOf(expected));
        batch.columns.forEach(poison);
        reuses.recycle(batch);
      }
    }),
  );
});

test("whole numbers, texts and what lists and objects hold stand in the arrays of the batch before last", () => {
  const appender = createAppender();
  const arrays = new Set<ArrayBufferLike>();
  for (let round = 0; round < 6; round++) {
    appender.append({ id: round, at: { text: "text" }, list: [1.5] });
    const batch = appender.finish();
    const [id, at, list] = batch.columns;
    if (id?.layout !== "fixed" || at?.layout !== "struct" || list?.layout !== "list")
      throw new Error("layout");
    const [text] = at.children;
    if (text?.layout !== "bytes" || list.child.layout !== "fixed") throw new Error("layout");
    for (const { buffer } of [id.values, text.data, text.offsets, list.child.values]) arrays.add(buffer);
    expect(id.type.kind).toBe("int64");
    appender.recycle(batch);
  }
  expect(arrays.size).toBe(8);
});

test("arrays are used again, unless they no longer fit", () => {
  const fixed = new FixedBuilder({ kind: "int32" }, 8);
  const first = fixed.finish();
  fixed.recycle(first);
  fixed.finish();
  const second = fixed.finish();
  expect(second.layout === "fixed" && second.values).toBe(first.layout === "fixed" && first.values);
  fixed.reserve(100);
  fixed.recycle(second);
  fixed.finish();
  expect(fixed.values.length).toBe(100);

  const bytes = new BytesBuilder({ kind: "string" }, 8);
  const append = (size: number): void => bytes.appendBytes(new Uint8Array(size), 0, size);
  append(1 << 22);
  const huge = bytes.finish();
  bytes.recycle(huge);
  append(10);
  bytes.recycle(bytes.finish());
  expect(bytes.data.length).toBeLessThan(1 << 17);
});

test("text stands where spoilt text stood", () => {
  const builder = new BytesBuilder({ kind: "string" }, 8);
  const arrays = new Set<unknown>();
  for (let round = 0; round < 4; round++) {
    for (let row = 0; row < 5; row++) builder.appendBytes(new TextEncoder().encode(`${round}.${row}`), 0, 3);
    const vector = builder.finish();
    const read = userReader(vector);
    expect(Array.from({ length: 5 }, (_, row) => read(row))).toEqual(
      Array.from({ length: 5 }, (_, row) => `${round}.${row}`),
    );
    if (vector.layout !== "bytes") throw new Error(vector.layout);
    // Readers cut at negative offsets as at 0.
    expect(vector.offsets[0]).toBe(0);
    arrays.add(vector.data);
    poison(vector);
    builder.recycle(vector);
  }
  expect(arrays.size).toBe(2);
});
