import { describe, expect, test } from "vitest";
import { pipeline, resource, source } from "@alluvium/core";
import { memoryDestination } from "@alluvium/core/testing";

type Memory = ReturnType<typeof memoryDestination>;

/** Runs a resource once for each set of batches; gives the table's columns and rows. */
async function load(
  runs: readonly (readonly (readonly object[])[])[],
  options: object = {},
  memory: Memory = memoryDestination(),
): Promise<{ readonly types: object; readonly rows: readonly object[]; readonly state: object }> {
  let batches: readonly (readonly object[])[] = [];
  const things = resource({ name: "things", read: () => batches.values(), ...options } as never);
  const load = pipeline({
    name: "p",
    source: source("s", () => [things])() as never,
    destination: memory as never,
  });
  for (batches of runs) await load.run();
  const { schema, json } = (await load.state())!.tables["things"]!;
  const own = ({ name }: { name: string }): boolean => !name.startsWith("_alv_");
  return {
    types: Object.fromEntries(schema.fields.filter(own).map(({ name, type }) => [name, type.kind])),
    rows: memory.store.rows("things").map(({ _alv_load_id: _load, ...row }) => row),
    state: { json },
  };
}

describe("values of several kinds", () => {
  test("stay where the first one decides, and go beside it by their kinds", async () => {
    const { types, rows } = await load([
      [
        [
          { id: 1, x: 5 },
          { id: 2, x: "a" },
          { id: 3, x: true },
          { id: 4, x: 2.5 },
          { id: 5, x: [1] },
          { id: 6, x: { a: 1 } },
          { id: 7, x: 2n ** 70n },
          { id: 8 },
        ],
      ],
    ]);
    expect(types).toEqual({
      id: "int64",
      x: "int64",
      x__v_string: "string",
      x__v_boolean: "boolean",
      x__v_float64: "float64",
      x__v_json: "json",
      x__v_decimal: "decimal",
    });
    const values = rows.map((row) =>
      Object.entries(row).filter(([name, value]) => name !== "id" && value !== null),
    );
    expect(values).toEqual([
      [["x", 5n]],
      [["x__v_string", "a"]],
      [["x__v_boolean", true]],
      [["x__v_float64", 2.5]],
      [["x__v_json", [1]]],
      [["x__v_json", { a: 1 }]],
      [["x__v_decimal", String(2n ** 70n)]],
      [],
    ]);
  });

  test("a column whose first value is a list or an object is JSON, in later runs too", async () => {
    const { types, rows, state } = await load([
      [[{ x: [1] }, { x: "a" }]],
      [[{ x: "b" }]],
      [[{ x: { a: 1 } }]],
    ]);
    expect(types).toEqual({ x: "json" });
    expect(rows).toEqual([{ x: [1] }, { x: "a" }, { x: "b" }, { x: { a: 1 } }]);
    expect(state).toEqual({ json: [["x"]] });
  });

  test("where JSON is stored as text it is JSON text, also of values of one kind", async () => {
    const memory = memoryDestination({
      storedType: (type) => (type.kind === "json" ? { kind: "string" } : type),
    });
    const runs = [
      [
        [
          { x: [1], s: { y: {} } },
          { x: "a", s: { y: 1 } },
        ],
      ],
      [[{ x: "b", s: { y: "c" } }]],
      [[{ x: 1 }]],
    ];
    const { types, rows, state } = await load(runs, {}, memory);
    expect(types).toMatchObject({ x: "string" });
    expect(rows).toEqual([
      { x: "[1]", s: { y: "{}" } },
      { x: '"a"', s: { y: "1" } },
      { x: '"b"', s: { y: '"c"' } },
      { x: "1", s: null },
    ]);
    expect(state).toEqual({ json: [["x"], ["s", "y"]] });
  });

  test("text columns hold texts only, over batches and runs", async () => {
    const { rows } = await load([[[{ x: "1" }]], [[{ x: 1 }]], [[{ x: "b" }, { x: true }]]]);
    expect(rows.map((row) => Object.entries(row).filter(([, value]) => value !== null))).toEqual([
      [["x", "1"]],
      [["x__v_int64", 1n]],
      [["x", "b"]],
      [["x__v_boolean", true]],
    ]);
  });

  test("members of objects have variants beside them; of lists the whole value goes", async () => {
    const { rows } = await load([
      [[{ s: { a: 1 }, l: [1] }]],
      [
        [
          { s: { a: "x" }, l: [2] },
          { s: { a: 3 }, l: [1, "x"] },
        ],
      ],
    ]);
    expect(rows).toEqual([
      { s: { a: 1n, a__v_string: null }, l: [1n], l__v_json: null },
      { s: { a: null, a__v_string: "x" }, l: [2n], l__v_json: null },
      { s: { a: 3n, a__v_string: null }, l: null, l__v_json: [1, "x"] },
    ]);
  });

  test("unchanged cells leave the variants as they are", async () => {
    const options = { primaryKey: "id", disposition: "merge", partial: true };
    const { rows } = await load(
      [
        [
          [
            { id: 1, x: 1, y: 1 },
            { id: 2, x: "a", y: 1 },
          ],
        ],
        [
          [
            { id: 1, x: "b" },
            { id: 2, y: 2 },
            { id: 3, y: "c" },
          ],
        ],
      ],
      options,
    );
    expect(rows.toSorted((a, b) => Number((a as { id: bigint }).id - (b as { id: bigint }).id))).toEqual([
      { id: 1n, x: null, x__v_string: "b", y: 1n, y__v_string: null },
      { id: 2n, x: null, x__v_string: "a", y: 2n, y__v_string: null },
      { id: 3n, x: null, x__v_string: null, y: null, y__v_string: "c" },
    ]);
  });

  test("keys stay of one kind, and contracts hold", async () => {
    const both = [[[{ id: 1 }, { id: "a" }]]];
    const key = { primaryKey: "id", disposition: "merge" };
    await expect(load(both, key)).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
      message: expect.stringMatching(/column id of things has values of several kinds.*hint/),
    });
    await expect(load([[[{ id: 1 }]], ...both], key)).rejects.toMatchObject({ code: "ALV_SCHEMA_CONFLICT" });
    const frozen = { contract: { types: "freeze" } };
    await expect(load([[[{ x: 1 }]], [[{ x: 2 }, { x: "a" }]]], frozen)).rejects.toMatchObject({
      code: "ALV_SCHEMA_CONFLICT",
    });
    const { rows } = await load([[[{ x: 1 }]], [[{ x: 2 }, { x: "a" }, { x: 3 }]]], {
      contract: { types: "discardRow" },
    });
    expect(rows).toEqual([{ x: 1n }, { x: 2n }, { x: 3n }]);
  });

  test("transforms see the values as they were", async () => {
    const seen: unknown[] = [];
    const things = resource({ name: "things", read: () => [[{ x: 1 }, { x: "a" }, { x: [{ a: null }] }]] });
    const mapped = things.map((row) => {
      seen.push(row.x);
      return { y: typeof row.x };
    });
    const memory = memoryDestination();
    await pipeline({ name: "p", source: source("s", () => [mapped])(), destination: memory }).run();
    expect(seen).toEqual([1, "a", [{ a: null }]]);
    expect(memory.store.rows("things").map(({ y }) => y)).toEqual(["number", "string", "object"]);
  });
});

/** A destination that has no type for JSON. */
const withoutJson = (): Memory =>
  memoryDestination({
    storedType: (type) => (type.kind === "json" ? { kind: "string" } : type),
  });

describe("what a table remembers to be JSON", () => {
  test("is written as JSON once, also where more of it turns up in the same batch", async () => {
    const first = [
      { id: 1, x: {} },
      { id: 2, x: "a", y: { c: [1, ""] } },
      { id: 3, y: "text" },
    ];
    const { rows } = await load([[[{ id: 0, y: { a: [false] } }]], [first]], {}, withoutJson());
    expect(rows[1]).toMatchObject({ id: 1n, x: "{}" });
    expect(rows[2]).toMatchObject({ id: 2n, x: '"a"', y: { c: '[1,""]' } });
  });

  test("is so in what is taken out of mixed values, too", async () => {
    const runs = [
      [
        [
          { id: 1, y: { a: [] } },
          { id: 2, y: { a: "5" } },
        ],
      ],
      [
        [
          { id: 3, y: { a: "2024-02-29" } },
          { id: 4, y: "text" },
        ],
      ],
    ];
    const { rows } = await load(runs, {}, withoutJson());
    expect(rows[2]).toMatchObject({ id: 3n, y: { a: '"2024-02-29"' } });
  });
});

describe("the options", () => {
  test("infer and columnPatterns, before and after map", async () => {
    const options = { infer: { dates: true }, columnPatterns: [[/_cents$/, { type: "int32" }]] };
    const rows = [{ day: "2024-02-29", at: "2024-02-29T00:00:00Z", net_cents: 5 }];
    expect((await load([[rows]], options)).types).toEqual({ day: "date", at: "string", net_cents: "int32" });
    const things = resource({ name: "things", read: () => [rows], ...options } as never).map((row) => row);
    const memory = memoryDestination();
    const run = pipeline({
      name: "p",
      source: source("s", () => [things])() as never,
      destination: memory as never,
    });
    await run.run();
    const { schema } = (await run.state())!.tables["things"]!;
    expect(schema.fields.map(({ type }) => type.kind)).toEqual(["date", "string", "int32", "string"]);
  });

  test("a text of another kind goes beside a date", async () => {
    const { types } = await load([[[{ x: "2024-02-29" }, { x: "soon" }, { x: "2024-03-01" }]]], {
      infer: { dates: true },
    });
    expect(types).toEqual({ x: "date", x__v_string: "string" });
  });

  test.each([
    [{ infer: true }, /infer is true; it must be an object of dates, timestamps, uuids/],
    [{ infer: { numbers: true } }, /infer is/],
    [{ infer: { dates: "yes" } }, /infer is/],
    [{ columnPatterns: { at: "x" } }, /columnPatterns is/],
    [{ columnPatterns: [["_at", { type: "date" }]] }, /columnPatterns is/],
    [{ columnPatterns: [[/x/, { type: "money" }]] }, /no column type "money"/],
  ])("refuses %j", (options, message) => {
    expect(() => resource({ name: "r", read: () => [], ...options } as never)).toThrow(
      expect.objectContaining({ code: "ALV_CONFIG", message: expect.stringMatching(message) }),
    );
  });
});
