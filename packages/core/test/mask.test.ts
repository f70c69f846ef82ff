import { createHash, createHmac } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { batchOf } from "../src/testing/suite.ts";
import { ChangeOp, type Batch } from "../src/columns/batch.ts";
import { redact, sha256, tokenize } from "../src/mask.ts";
import { originResource } from "../src/origin-resource.ts";
import { day } from "../src/partition.ts";
import { resource } from "../src/resource.ts";
import { env } from "../src/secret.ts";
import { source } from "../src/source.ts";
import type { Source, TableDescription } from "../src/stream.ts";
import type { AnyResource } from "../src/transform.ts";
import { typed } from "../src/typed.ts";
import { readAll, readStream, streamsOf } from "./reading.ts";

interface Person {
  id: number;
  email: string | null;
  name: string;
  born: Date;
}
const people = resource({
  name: "people",
  schema: typed<Person>(),
  primaryKey: "id",
  disposition: "merge",
  read: () => [
    [
      { id: 1, email: "ada@example.com", name: "Ada", born: new Date(0) },
      { id: 2, email: null, name: "Alan", born: new Date(1) },
    ],
  ],
});
const hashed = (salt: string, text: string): string =>
  createHash("sha256").update(`${salt}${text}`, "utf8").digest("hex");
const token = (key: string, text: string): string =>
  createHmac("sha256", key).update(text).digest("base64url");
const salt = sha256({ salt: "s3cret" });

describe("masks", () => {
  test("hash, token and fixed text, by the value's canonical text; nulls stay null", async () => {
    const tables = await readAll(
      people.mask({ id: salt, email: salt, name: tokenize({ key: () => "k" }), born: salt }).as("hashed"),
      people.mask({ email: redact("-"), name: redact(), born: redact(null) }).as("redacted"),
    );
    expect(tables["hashed"]).toEqual([
      {
        id: hashed("s3cret", "1"),
        email: hashed("s3cret", "ada@example.com"),
        name: token("k", "Ada"),
        born: hashed("s3cret", "1970-01-01T00:00:00.000000Z"),
      },
      {
        id: hashed("s3cret", "2"),
        email: null,
        name: token("k", "Alan"),
        born: hashed("s3cret", "1970-01-01T00:00:00.001000Z"),
      },
    ]);
    expect(tables["redacted"]).toEqual([
      { id: 1n, email: "-", name: "***", born: null },
      { id: 2n, email: null, name: "***", born: null },
    ]);
  });

  test("equal numbers have equal masks, whatever their types", async () => {
    const values = [5, 5n, "5.00"];
    const columns = [undefined, undefined, { v: { type: "decimal", precision: 9, scale: 2 } }] as const;
    const masks = new Set<unknown>();
    for (const [i, v] of values.entries()) {
      const one = resource({
        name: "one",
        schema: typed<{ v: unknown }>(),
        ...(columns[i] && { columns: columns[i] }),
        read: () => [{ v }],
      });
      masks.add((await readAll(one.mask({ v: salt })))["one"]![0]!["v"]);
    }
    expect([...masks]).toEqual([hashed("s3cret", "5")]);
  });

  test("rows behind a mask see masked values only, the user's others", async () => {
    const seen: unknown[] = [];
    await readAll(
      people
        .mask({ email: redact(), name: salt })
        .filter((row) => {
          seen.push(row);
          return true;
        })
        .as("t"),
    );
    expect(seen[1]).toEqual({ id: 2, email: null, name: hashed("s3cret", "Alan"), born: new Date(1) });
  });

  test("of lists and structs there is only redact", async () => {
    const nested = resource({ name: "nested", read: () => [{ id: 1, tags: ["a"] }] });
    await expect(readAll(nested.mask({ tags: salt }))).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: expect.stringMatching(/column "tags" is list<string>, and sha256 takes/),
    });
    expect((await readAll(nested.mask({ tags: redact() })))["nested"]).toEqual([{ id: 1n, tags: "***" }]);
  });

  test("known columns are texts before rows come", async () => {
    const [stream] = await streamsOf([
      resource({
        name: "r",
        schema: typed<{ a: bigint }>(),
        columns: { a: { type: "int64", nullable: false } },
        *read() {},
      }).mask({
        a: redact(null),
      }),
    ]);
    expect(stream!.tables[0]!.schema.fields).toEqual([
      { name: "a", type: { kind: "string" }, nullable: true },
    ]);
  });
});

test("parts of dates are no partitions of what is masked, or cast to something else", async () => {
  const made = resource({
    name: "p",
    schema: typed<{ a: Date; b: string }>(),
    partitionBy: [day("a"), "b"],
    *read() {},
  });
  const [stream] = await streamsOf([
    made
      .mask({ b: salt })
      .cast({ a: { type: "date" } })
      .rename({ a: "c" })
      .as("kept"),
    made.mask({ a: salt }).as("masked"),
    made.cast({ a: { type: "string" } }).as("cast"),
  ]);
  expect(stream!.tables.map(({ partitionBy }) => partitionBy.map(({ column }) => column))).toEqual([
    ["c", "b"],
    ["b"],
    ["b"],
  ]);
});

describe("secrets", () => {
  test("show nowhere, and are asked for once a run, when rows come", async () => {
    const find = vi.fn<() => string>(() => "k3y");
    const mask = tokenize({ key: find });
    const masked = [
      people.mask({ name: mask }).as("a"),
      people.mask({ email: mask, name: mask }).as("b", { disposition: "replace" }),
    ];
    expect(inspect([sha256({ salt: "s3cret" }), people.mask({ name: salt })], { depth: null })).not.toContain(
      "s3cret",
    );
    expect(JSON.stringify(people.mask({ name: salt }))).not.toContain("s3cret");
    const streams = await streamsOf(masked);
    expect(find).not.toHaveBeenCalled();
    for (const stream of [...streams, ...streams]) await readStream(stream);
    expect(find).toHaveBeenCalledTimes(1);
    await readStream((await streamsOf(masked))[0]!);
    expect(find).toHaveBeenCalledTimes(2);
  });

  test("that are not there are named, and asked for again", async () => {
    vi.stubEnv("MASK_SALT", "");
    const masked = people.mask({ name: sha256({ salt: env("MASK_SALT") }) }).as("masked");
    const [stream] = await streamsOf([masked]);
    await expect(readStream(stream!)).rejects.toMatchObject({
      code: "ALV_CONFIG",
      resource: "masked",
      message: expect.stringContaining("MASK_SALT"),
    });
    vi.stubEnv("MASK_SALT", "x");
    expect((await readStream(stream!)).tables["masked"]).toHaveLength(2);
    await expect(readAll(people.mask({ name: sha256({ salt: "" }) }))).rejects.toThrow(
      /the salt of sha256 is empty/,
    );
    await expect(readAll(people.mask({ name: tokenize({} as never) }))).rejects.toThrow(
      /the key of tokenize is no credential/,
    );
    expect(() => people.mask({ name: "sha256" as never })).toThrow(
      /the mask of name is "sha256"; it must be made by/,
    );
  });
});

describe("a merge", () => {
  const plan = (one: AnyResource) => () => source("s", () => [one])();

  test("finds rows by masked keys; deletes have the same", async () => {
    const masked = people
      .rename({ id: "key" })
      .filter(({ key }) => key === 1)
      .mask({ key: salt })
      .rename({ key: "person" })
      .select("person", "name")
      .as("t");
    expect((await readAll(masked))["t"]).toEqual([
      { person: hashed("s3cret", "1"), name: "Ada", op: "insert", at: 0 },
      { person: hashed("s3cret", "2"), name: null, op: "delete", at: 1 },
    ]);
    // The filter may come after the mask, too.
    const late = people
      .mask({ id: salt })
      .filter(({ name }) => name === "Ada")
      .select("id")
      .as("t");
    expect((await readAll(late))["t"]).toEqual([
      { id: hashed("s3cret", "1"), op: "insert", at: 0 },
      { id: hashed("s3cret", "2"), op: "delete", at: 1 },
    ]);
  });

  test("does not take redacted keys, nor masked columns that order, delete or date", () => {
    expect(plan(people.mask({ id: redact() }))).toThrow(
      /redact would make all values of its key column id one/,
    );
    expect(plan(people.mask({ id: redact() }).rename({ id: "key" }))).toThrow(/key column key one/);
    expect(plan(people.mask({ id: salt }))).not.toThrow();
    expect(plan(people.mask({ id: redact() }).as("log", { disposition: "append" }))).not.toThrow();
    const ordered = people.as("o", { disposition: { merge: "upsert", orderBy: "born" } });
    expect(plan(ordered.mask({ born: salt }))).toThrow(/masks born, whose values it needs to order/);
  });
});

describe("changes of a connector", () => {
  const int64 = { kind: "int64" } as const;
  const changed: Batch = {
    ...batchOf({
      id: [int64, [1n, 2n, 3n, null]],
      name: [{ kind: "string" }, ["Ada", null, null, null]],
      note: [{ kind: "string" }, ["x", null, null, null]],
    }),
    changes: {
      ops: Uint8Array.of(ChangeOp.insert, ChangeOp.update, ChangeOp.delete, ChangeOp.truncate),
      ordinals: BigInt64Array.of(5n, 6n, 7n, 8n),
      oldKeys: batchOf({ id: [int64, [null, 20n, null, null]] }),
      unchanged: [undefined, Uint8Array.of(0b0010), undefined],
    },
  };
  const origin = (describe: Partial<TableDescription> = {}): Source => ({
    specVersion: 1,
    name: "c",
    open: async () => ({
      streams: [
        {
          name: "t",
          tables: [
            {
              name: "t",
              schema: { fields: [] },
              primaryKey: ["id"],
              disposition: { kind: "merge", strategy: "upsert" },
              partitionBy: [],
              partial: true,
              ...describe,
            },
          ],
          cursor: { version: 1, encode: (at) => Number(at), decode: (at) => at },
          async *read() {
            yield { table: "t", batch: changed };
            yield { checkpoint: 1 };
          },
        },
      ],
      async [Symbol.asyncDispose]() {},
    }),
  });
  const table = (describe?: Partial<TableDescription>) => {
    const made = origin(describe);
    return originResource<"t", { id: bigint; name: string; note: string }, "upsert">({
      name: "t",
      source: () => made,
    });
  };

  test("are masked, cast, renamed and selected with their keys, old keys and unchanged cells", async () => {
    const steps = table()
      .mask({ name: salt })
      .cast({ id: { type: "string" } })
      .rename({ id: "key" })
      .select("name", "key")
      .mask({ key: tokenize({ key: "k" }) });
    expect((await readAll(steps))["t"]).toEqual([
      { key: token("k", "1"), name: hashed("s3cret", "Ada"), op: "insert", at: 5, old: { key: null } },
      { key: token("k", "2"), name: "unchanged", op: "update", at: 6, old: { key: token("k", "20") } },
      { key: token("k", "3"), name: null, op: "delete", at: 7, old: { key: null } },
      { key: null, name: null, op: "truncate", at: 8, old: { key: null } },
    ]);
  });

  test("that may leave cells as they are pass no transform by row", async () => {
    for (const made of [
      table().filter(() => true),
      table()
        .map((row) => row)
        .as("t", { primaryKey: "id" }),
    ])
      await expect(streamsOf([made])).rejects.toMatchObject({
        code: "ALV_CONFIG",
        message: expect.stringMatching(/its rows are partial, and (filter|map) would see/),
      });
    // A source that does not say so is found out when it does.
    await expect(readAll(table({ partial: false }).filter(() => true))).rejects.toMatchObject({
      code: "ALV_UNSUPPORTED",
    });
  });
});
