import type { AlluviumError } from "@alluvium/core";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { json, jsonLines, type JsonOptions } from "../../../src/files/json/index.ts";
import { contentOf } from "../content-of.ts";
import { decoded, decoderOf, gathered, itemsOf } from "../decoded.ts";

vi.setConfig({ testTimeout: 120_000 });

const read = async (text: string | Uint8Array, options: JsonOptions = {}): ReturnType<typeof decoded> =>
  await decoded(json(options), contentOf(text, { path: "a.json", chunk: 5 }));

const failure = async (text: string, options: JsonOptions = {}): Promise<unknown> =>
  await read(text, options).catch((error: unknown) => error);

describe("documents", () => {
  test("a list of objects, an object, documents one after another", async () => {
    expect((await read(' [ {"a":1} , {"a":"]}"}, {"a":[{"b":"\\""}]} ] ')).rows).toHaveLength(3);
    expect((await read('{"a":1}')).rows).toEqual([{ a: 1n }]);
    expect((await read('{"a":1}{"a":2}\n[{"a":3},{"a":4}] {"a":5}')).rows.map(({ a }) => a)).toEqual([
      1n,
      2n,
      3n,
      4n,
      5n,
    ]);
    expect((await read("[]")).rows).toEqual([]);
    expect((await read("")).rows).toEqual([]);
  });

  test("rows at a path, and what is around them is passed over", async () => {
    const text = `{"meta":{"items":[1,"}"]},"n":12,"data":{"x":"y","items":[{"a":1},{"a":2}],"z":[[]]},"end":null}`;
    expect((await read(text, { path: "data.items" })).rows).toEqual([{ a: 1n }, { a: 2n }]);
    expect((await read(text, { path: ["meta"] })).rows).toHaveLength(1);
    expect((await read('{"data":null}{"data":{"items":[{"a":3}]}}', { path: "data.items" })).rows).toEqual([
      { a: 3n },
    ]);
    expect(await failure('{"data":[1]}', { path: "data.items" })).toMatchObject({ code: "ALV_SOURCE_DATA" });
  });

  test("elements that are no objects are refused", async () => {
    const { rows, refused } = await read('[{"a":1},2,{"a":tru},{"a":3}]');
    expect(rows).toEqual([{ a: 1n }, { a: 3n }]);
    expect(refused.map(({ position, message }) => [position, message])).toEqual([
      [{ row: 2 }, expect.stringMatching(/^a\.json, row 2: is no object: 2: /)],
      [{ row: 3 }, expect.stringMatching(/^a\.json, row 3: is no JSON: /)],
    ]);
  });

  test.each(['[{"a":1}', '[{"a":1},', '[{"a":1} {"a":2}]', '[{"a":1},]', '[{"a":"x', "[1", "[,", '{"a"'])(
    "%s is no document",
    async (text) => {
      expect(await failure(text)).toMatchObject({
        code: "ALV_SOURCE_DATA",
        message: expect.stringMatching(/^a\.json, byte \d+: /) as string,
      });
    },
  );

  test("what comes before a break is there", async () => {
    const items: unknown[] = [];
    const broken = contentOf(`[${'{"a":1},'.repeat(100_000)}`);
    await expect(
      (async () => {
        for await (const item of decoderOf(json(), { batchBytes: 65_536 }).read(broken)) items.push(item);
      })(),
    ).rejects.toMatchObject({ code: "ALV_SOURCE_DATA" });
    expect(items.length).toBeGreaterThan(5);
  });
});

describe("any documents", () => {
  const documents = fc.array(
    fc.oneof(
      fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }),
      fc.array(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), { maxLength: 5 }),
    ),
    { maxLength: 6 },
  );

  test("are cut into the rows that they hold, in whatever pieces they come", async () => {
    await fc.assert(
      fc.asyncProperty(
        documents,
        fc.constantFrom(undefined, 2),
        fc.integer({ min: 1, max: 30 }),
        async (values, indent, chunk) => {
          const text = values.map((value) => JSON.stringify(value, undefined, indent)).join(" ");
          const found = await decoded(json(), contentOf(text, { chunk }));
          expect(found.rows.length + found.refused.length).toBe(values.flat().length);
          expect(found).toEqual(await decoded(json(), contentOf(text)));
        },
      ),
      { numRuns: 200 },
    );
  });
});

test("positions inside a document give the rest", async () => {
  const list = Array.from({ length: 3000 }, (_, i) => ({ n: i, t: `é${i}` }));
  const text =
    JSON.stringify({ data: { before: [1], items: list, after: { x: 1 } }, more: 1 }) +
    JSON.stringify({ data: { items: list } });
  const file = contentOf(text, { chunk: 4096 });
  const format = json({ path: "data.items" });
  const items = await itemsOf(decoderOf(format, { batchBytes: 5000 }), file);
  const all = gathered(items).rows.map(({ n }) => n);
  expect(all).toHaveLength(6000);
  expect(items.length).toBeGreaterThan(6);
  for (const [i, { position }] of items.entries()) {
    const rest = await itemsOf(decoderOf(format), file, JSON.parse(JSON.stringify(position)) as never);
    expect([...gathered(items.slice(0, i + 1)).rows, ...gathered(rest).rows].map(({ n }) => n)).toEqual(all);
  }
});

test("options that are none are ALV_CONFIG", () => {
  for (const format of [json, jsonLines])
    expect(() => format(null as never)).toThrow(
      expect.objectContaining({
        code: "ALV_CONFIG",
        message: `${format.name}: options must be an object, not null`,
      }) as AlluviumError,
    );
});
