import { describe, expect, test } from "vitest";
import { checkpoint, day, resource, source, typed, type ErrorCode, type Source } from "@alluvium/core";
import * as v from "valibot";
import * as z from "zod";
import {
  expectFailedRun,
  expectFailure,
  lakeOf,
  ownFolder,
  tableRows,
  tableSource,
  yields,
} from "./failure.ts";

const good = [{ id: 1, note: "committed" }];
const cyclic: Record<string, unknown> = { id: 1 };
cyclic["self"] = cyclic;
const money = { columns: { d: { type: "decimal", precision: 4, scale: 2 } } } as const;
const positive = {
  "~standard": {
    version: 1,
    vendor: "mine",
    validate: (row: { id: number }) =>
      row.id > 0 ? { value: row } : { issues: [{ message: "id must be positive", path: ["id"] }] },
  },
};
const throwing = {
  "~standard": {
    version: 1,
    vendor: "mine",
    validate: () => {
      throw new Error("out of order");
    },
  },
};

type Case = readonly [what: string, options: object, code: ErrorCode, parts: readonly (string | RegExp)[]];

/** What a resource may not yield. Each is tried on a table that has rows. */
const cases: readonly Case[] = [
  [
    "a row that zod refuses",
    {
      schema: z.object({ id: z.int(), who: z.object({ mail: z.email() }) }),
      ...yields([
        { id: 1, who: { mail: "a@b.ch" } },
        { id: 2, who: { mail: "nope" } },
      ]),
    },
    "ALV_ROW_INVALID",
    [/resource "t"/, /row 2/, /who\.mail is "nope"/, /Invalid email/, /Mend it in read/],
  ],
  [
    "a row that valibot refuses",
    { schema: v.object({ id: v.number() }), ...yields([{ id: "x" }]) },
    "ALV_ROW_INVALID",
    [/row 1/, /id is "x"/, /Expected number/],
  ],
  [
    "a row that a Standard Schema of one's own refuses",
    { schema: positive, ...yields([{ id: 3 }, { id: -1 }]) },
    "ALV_ROW_INVALID",
    [/row 2/, /id is -1/, /must be positive/],
  ],
  [
    "a schema that throws",
    { schema: throwing, ...yields(good) },
    "ALV_SOURCE_FAILED",
    [/schema threw/, /row 1/, /out of order/],
  ],
  [
    "an invalid Date",
    yields([{ at: new Date("x") }]),
    "ALV_ROW_INVALID",
    [/row 1/, /"at"/, /Invalid Date/, /mend it/],
  ],
  [
    "a decimal with too many digits",
    { ...money, ...yields([{ d: "1.5" }, { d: "123.45" }]) },
    "ALV_ROW_INVALID",
    [/row 2/, /"d"/, /123\.45/, /decimal\(4,2\)/],
  ],
  [
    "a decimal with too many fraction digits",
    { ...money, ...yields([{ d: "1.555" }]) },
    "ALV_ROW_INVALID",
    [/1\.555/, /no exact form/],
  ],
  [
    "NaN for a decimal",
    { ...money, ...yields([{ d: Number.NaN }]) },
    "ALV_ROW_INVALID",
    [/NaN/, /decimal\(4,2\)/],
  ],
  ["text for a decimal", { ...money, ...yields([{ d: "abc" }]) }, "ALV_ROW_INVALID", [/"abc"/]],
  [
    "too large for int32",
    { columns: { d: { type: "int32" } }, ...yields([{ d: 2 ** 40 }]) },
    "ALV_ROW_INVALID",
    [/1099511627776/, /int32/, /type that holds it/],
  ],
  [
    "a fraction for int64",
    { columns: { d: { type: "int64" } }, ...yields([{ d: 1.5 }]) },
    "ALV_ROW_INVALID",
    [/1\.5/, /int64/],
  ],
  [
    "a bigint beyond 64 bits for int64",
    { columns: { d: { type: "int64" } }, ...yields([{ d: 2n ** 64n }]) },
    "ALV_ROW_INVALID",
    [/18446744073709551616n/, /int64/],
  ],
  [
    "null where none is allowed",
    { columns: { d: { type: "int32", nullable: false } }, ...yields([{ d: 1 }, { d: null }]) },
    "ALV_ROW_INVALID",
    [/row 2/, /"d"/, /null is not allowed/, /fill it in/],
  ],
  [
    "values of two kinds for a declared type",
    { columns: { d: { type: "int64" } }, ...yields([{ d: 1 }, { d: "x" }]) },
    "ALV_ROW_INVALID",
    [/row 2/, /"x" has no exact form as int64/],
  ],
  [
    "an object that holds itself",
    yields([cyclic]),
    "ALV_ROW_INVALID",
    [/row 1/, /"self"/, /100 levels/, /map\(\)/],
  ],
  [
    "a cycle for json",
    { columns: { self: { type: "json" } }, ...yields([cyclic]) },
    "ALV_ROW_INVALID",
    [/"self"/, /json/],
  ],
  ["a function as a value", yields([{ d: () => 1 }]), "ALV_ROW_INVALID", [/"d"/, /Function/, /map\(\)/]],
  ["a number as a row", yields([5]), "ALV_ROW_INVALID", [/row 1/, /5/]],
  ["nothing as a row", yields([{ id: 1 }, null]), "ALV_ROW_INVALID", [/row 2/, /null/]],
  ["a promise as a row", yields([Promise.resolve({ id: 1 })]), "ALV_ROW_INVALID", [/row 1/, /Promise/]],
  ["a Map as a row", yields([new Map([["id", 1]])]), "ALV_ROW_INVALID", [/row 1/, /Map/]],
  ["a list as a row", yields([[{ id: 1 }]]), "ALV_ROW_INVALID", [/row 1/]],
  [
    "a key that is null",
    { primaryKey: "id", ...yields([{ id: 1 }, { id: null }]) },
    "ALV_ROW_INVALID",
    [/key column id/, /primaryKey/],
  ],
  [
    "a key that is not there",
    { primaryKey: "uid", ...yields(good) },
    "ALV_SOURCE_NOT_FOUND",
    [/no column uid/, /primary key/, /id, note/],
  ],
  [
    "a partition column that is not there",
    { partitionBy: ["country"], ...yields(good) },
    "ALV_SCHEMA_CONFLICT",
    [/partitioned by nothing/, /country/],
  ],
  [
    "columns that get one name",
    yields([{ orderId: 1, order_id: 2 }]),
    "ALV_NAME_COLLISION",
    [/"orderId"/, /"order_id"/, /rename/],
  ],
  [
    "columns that differ in case",
    { naming: "keep", ...yields([{ Id: 1, id: 2 }]) },
    "ALV_NAME_COLLISION",
    [/"Id"/, /"id"/],
  ],
  [
    "a column of our own names",
    yields([{ _alv_load_id: 1 }]),
    "ALV_NAME_COLLISION",
    [/_alv_load_id/, /rename/],
  ],
  ["a column without a name", yields([{ "": 1 }]), "ALV_CONFIG", [/empty name/]],
  [
    "a name that Delta cannot store",
    { naming: "keep", ...yields([{ "a;b": 1 }]) },
    "ALV_UNSUPPORTED",
    [/a;b/, /snake/],
  ],
  [
    "a naming that throws",
    {
      naming: (name: string) => {
        if (name === "t") return name;
        throw new Error("no idea");
      },
      ...yields(good),
    },
    "ALV_CONFIG",
    [/naming failed for "id"/, /no idea/],
  ],
  [
    "a naming that gives a number",
    { naming: (name: string) => (name === "t" ? name : 5), ...yields(good) },
    "ALV_CONFIG",
    [/naming failed for "id"/, /5/],
  ],
  [
    "another type than is committed in a frozen table",
    { contract: "freeze", ...yields([{ id: "x" }]) },
    "ALV_SCHEMA_CONFLICT",
    [/"id"/, /int64/, /string/],
  ],
  [
    "a fraction where integers are committed in a frozen table",
    { contract: "freeze", ...yields([{ id: 1.5 }]) },
    "ALV_SCHEMA_CONFLICT",
    [/"id"/, /int64/, /float64/],
  ],
  [
    "a new column in a frozen table",
    { contract: "freeze", ...yields([{ id: 2, more: 1 }]) },
    "ALV_SCHEMA_CONFLICT",
    [/"more"/, /freeze/],
  ],
  [
    "an empty replace",
    { disposition: "replace", ...yields([]) },
    "ALV_EMPTY_REPLACE",
    [/no rows/, /allowEmpty: true/],
  ],
  [
    "a row outside the window that is replaced",
    {
      disposition: { replace: { where: { note: "committed" } } },
      ...yields([
        { id: 2, note: "committed" },
        { id: 3, note: "else" },
      ]),
    },
    "ALV_ROW_INVALID",
    [/note: 'else'/, /note = "committed"/, /filter such rows out/],
  ],
  [
    "a window over a column that is not there",
    { disposition: { replace: { where: { nope: 1 } } }, ...yields(good) },
    "ALV_CONFIG",
    [/nope/, /id, note/],
  ],
  [
    "a read that throws",
    {
      async *read() {
        yield { id: 9, note: "x" };
        throw new Error("the API answered 500");
      },
    },
    "ALV_SOURCE_FAILED",
    [/resource "t"/, /read failed/, /the API answered 500/],
  ],
  [
    "a read that throws before it yields",
    {
      read() {
        throw new TypeError("no token");
      },
    },
    "ALV_SOURCE_FAILED",
    [/"t"/, /no token/],
  ],
  [
    "a read that throws a text",
    {
      async *read() {
        yield { id: 9, note: "x" };
        throw "just text";
      },
    },
    "ALV_SOURCE_FAILED",
    [/just text/],
  ],
  [
    "a read that returns a promise",
    { read: () => Promise.resolve(good) },
    "ALV_CONFIG",
    [/read returned Promise/, /async \*read/],
  ],
  ["a read that returns nothing", { read: (): void => {} }, "ALV_CONFIG", [/generator/]],
  [
    "a getter that throws",
    yields([
      {
        get id() {
          throw new Error("detached");
        },
      },
    ]),
    "ALV_SOURCE_FAILED",
    [/detached/],
  ],
];

describe("refused, and nothing committed is harmed", () => {
  test.each(cases)("%s", async (_what, options, code, parts) => {
    const url = ownFolder();
    await lakeOf(tableSource(yields(good)), url).run();
    const before = await tableRows(`${url}/t`);
    await expectFailedRun(code, parts, () => lakeOf(tableSource(options), url));
    expect(await tableRows(`${url}/t`)).toEqual(before);
    // A run that is in order goes on.
    await lakeOf(tableSource(yields([{ id: 2, note: "later" }])), url).run();
    expect(await tableRows(`${url}/t`)).toEqual([...before, { id: 2n, note: "later" }]);
  });
});

interface Timed {
  readonly id: number;
  readonly at: unknown;
}

const followed = (rows: readonly unknown[], cursor: unknown = "at"): Source =>
  tableSource({ schema: typed<Timed>(), cursor, ...yields(rows) });

describe("a cursor column", () => {
  test.each<[string, readonly unknown[], unknown, ErrorCode, readonly RegExp[]]>([
    ["that is gone", [{ id: 2 }], "at", "ALV_ROW_INVALID", [/cursor column "at"/]],
    ["that is null", [{ id: 2, at: null }], "at", "ALV_ROW_INVALID", [/"at"/, /null/]],
    ["of another type", [{ id: 2, at: "soon" }], "at", "ALV_SCHEMA_CONFLICT", [/timestamp/, /string/]],
    ["that cannot be ordered", [{ id: 2, at: { a: 1 } }], "at", "ALV_CONFIG", [/"at"/, /struct/]],
    [
      "that is another one than before",
      [{ id: 2, at: new Date() }],
      "id",
      "ALV_STATE_MISMATCH",
      [/\bat\b/, /\bid\b/],
    ],
    [
      "that steps back although order is declared",
      [
        { id: 2, at: new Date("2026-02-02") },
        { id: 3, at: new Date("2026-02-01") },
      ],
      { column: "at", order: "ascending" },
      "ALV_CURSOR_ORDER",
      [/"?at"?/, /2026-02-01/],
    ],
  ])("%s", async (_what, rows, cursor, code, parts) => {
    const url = ownFolder();
    await lakeOf(followed([{ id: 1, at: new Date("2026-01-01") }]), url).run();
    const before = await tableRows(`${url}/t`);
    await expectFailedRun(code, parts, () => lakeOf(followed(rows, cursor), url));
    expect(await tableRows(`${url}/t`)).toEqual(before);
    await lakeOf(followed([{ id: 4, at: new Date("2026-03-01") }]), url).run();
    expect(await tableRows(`${url}/t`)).toHaveLength(2);
  });

  test("a column that is dropped is null from then on, and reported", async () => {
    const url = ownFolder();
    await lakeOf(tableSource(yields(good)), url).run();
    const report = await lakeOf(tableSource(yields([{ id: 2 }])), url).run();
    expect(report.tables["t"]?.schemaChanges).toEqual([{ kind: "columnMissing", column: "note" }]);
    expect(await tableRows(`${url}/t`)).toEqual([
      { id: 1n, note: "committed" },
      { id: 2n, note: null },
    ]);
  });

  test("a backfill without a window, without a cursor, of no time, of no rows", async () => {
    const url = ownFolder();
    const rows = [{ id: 1, at: new Date("2026-01-01") }];
    const backfilled = (since: Date): Source =>
      tableSource({
        schema: typed<Timed>(),
        cursor: "at",
        disposition: { append: { replaceWhere: { at: { ">=": since } } } },
        ...yields(rows),
      });
    const lake = lakeOf(backfilled(new Date(0)), url);
    await lake.run();
    const before = await tableRows(`${url}/t`);
    await expectFailedRun(
      "ALV_CONFIG",
      [/"t"/, /second time/, /replaceWhere/],
      () => lakeOf(followed(rows), url),
      {
        since: new Date(0),
      },
    );
    await expectFailedRun("ALV_CONFIG", [/"yesterday"/, /"at"/, /timestamp/], () => lake, {
      since: "yesterday",
    });
    await expectFailedRun("ALV_CONFIG", [/Invalid Date/, /"at"/], () => lake, { since: new Date("x") });
    await expectFailedRun("ALV_EMPTY_REPLACE", [/window in t/, /allowEmpty/], () => lake, {
      since: new Date("2026-06-01"),
    });
    await expectFailedRun("ALV_CONFIG", [/"t"/, /no cursor/], () => lakeOf(tableSource(yields(good)), url), {
      since: new Date(0),
    });
    expect(await tableRows(`${url}/t`)).toEqual(before);
    await lake.run({ since: new Date(0) });
    expect(await tableRows(`${url}/t`)).toEqual(before);
  });
});

describe("a read that does not end", () => {
  const stuck = (): Source =>
    tableSource({ read: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }) });

  test("is left at the deadline and says so; an abort rethrows its reason", async () => {
    const url = ownFolder();
    await lakeOf(tableSource(yields(good)), url).run();
    const before = await tableRows(`${url}/t`);
    const report = await lakeOf(stuck(), url).run({ deadline: new Date(Date.now() + 300) });
    expect(report).toMatchObject({
      complete: false,
      problems: [{ stream: "t", code: "ALV_NO_CHECKPOINT", message: expect.stringMatching(/deadline/) }],
    });
    const reason = new Error("enough");
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 200);
    await expect(lakeOf(stuck(), url).run({ signal: stop.signal })).rejects.toBe(reason);
    expect(await tableRows(`${url}/t`)).toEqual(before);
    await lakeOf(tableSource(yields([{ id: 2, note: "x" }])), url).run();
    expect(await tableRows(`${url}/t`)).toHaveLength(2);
    // A read that hears nothing is waited for, 5 s each time.
  }, 30_000);

  test("a deadline in the past reads nothing, and the next run everything", async () => {
    const url = ownFolder();
    const report = await lakeOf(tableSource(yields(good)), url).run({ deadline: new Date(1) });
    expect(report).toMatchObject({ complete: false, problems: [{ code: "ALV_DEADLINE" }] });
    await lakeOf(tableSource(yields(good)), url).run();
    expect(await tableRows(`${url}/t`)).toHaveLength(1);
  });

  test("what comes after the last checkpoint would be loaded twice", async () => {
    const url = ownFolder();
    const read = async function* (): AsyncGenerator<unknown> {
      yield { id: 1 };
      yield checkpoint(1);
      yield { id: 2 };
    };
    await expectFailedRun("ALV_NO_CHECKPOINT", [/"t"/, /after its last checkpoint/, /yield checkpoint/], () =>
      lakeOf(tableSource({ read }), url),
    );
  });
});

describe("resources that cannot be", () => {
  const one = (options: object): Source => tableSource({ ...yields(good), ...options });
  test.each<[object, ErrorCode, readonly RegExp[]]>([
    [{ name: "" }, "ALV_CONFIG", [/name/, /""/]],
    [{ primarykey: "id" }, "ALV_CONFIG", [/primarykey/, /primaryKey/]],
    [{ disposition: "apend" }, "ALV_CONFIG", [/"apend"/, /"append"/]],
    [{ disposition: { replace: { where: {} } } }, "ALV_CONFIG", [/condition/, /country: "CH"/]],
    [{ schema: { hello: 1 } }, "ALV_CONFIG", [/schema/, /Standard Schema/]],
    [{ cursor: "at" }, "ALV_CONFIG", [/cursor/, /typed<Row>/]],
    [{ naming: "camel" }, "ALV_CONFIG", [/naming/, /"camel"/, /"snake"/]],
    [{ contract: "freez" }, "ALV_CONFIG", [/contract/, /"freez"/]],
    [{ partitionBy: [5] }, "ALV_CONFIG", [/partitionBy is 5/, /day\(/]],
    [{ partitionBy: "day" }, "ALV_CONFIG", [/partitionBy is "day"/]],
    [{ read: 5 }, "ALV_CONFIG", [/read is 5/]],
    [{ columns: { d: { type: "decimla" } } }, "ALV_CONFIG", [/"d"/, /"decimla"/, /decimal/]],
    [
      { columns: { d: { type: "decimal", precision: 99, scale: 2 } } },
      "ALV_CONFIG",
      [/"d"/, /99/, /1 to 38/],
    ],
  ])("%o", async (options, code, parts) => {
    await expectFailure(code, parts, () => one(options));
  });

  test("names that meet", async () => {
    const named = (...names: string[]): Source =>
      source("s", () => names.map((name) => resource({ name, ...yields(good) } as never)))() as Source;
    await expectFailure("ALV_NAME_COLLISION", [/"t"/, /as\(\)/], () => named("t", "t"));
    await expectFailedRun("ALV_NAME_COLLISION", [/aB/, /a_b/, /as\(\)/], () =>
      lakeOf(named("a_b", "aB"), ownFolder()),
    );
    await expectFailedRun("ALV_NAME_COLLISION", [/_alv_loads/], () =>
      lakeOf(named("_alv_loads"), ownFolder()),
    );
    await expectFailedRun("ALV_CONFIG", [/a_day/, /int64/], () =>
      lakeOf(tableSource({ partitionBy: [day("a" as never)], ...yields([{ a: 1 }]) }), ownFolder()),
    );
  });

  test("sources that are none", async () => {
    await expectFailure("ALV_CONFIG", [/"s"/, /list of resources/], () =>
      source("s", (() => undefined) as never)(),
    );
    await expectFailure("ALV_CONFIG", [/"s"/, /promise/], () => source("s", (async () => []) as never)());
    await expectFailure("ALV_CONFIG", [/"s"/, /name: 't'/], () =>
      source("s", (() => [{ name: "t" }]) as never)(),
    );
  });
});
