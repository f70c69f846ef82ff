import { describe, expect, test } from "vitest";
import {
  pipeline,
  resource,
  source,
  type ContractPolicy,
  type Destination,
  type Pipeline,
  type RunReport,
} from "@alluvium/core";
import * as z from "zod";
import { readBack } from "../nesting/round-trip.ts";

/** A destination for one test. */
export interface Place extends AsyncDisposable {
  readonly destination: Destination;
}

/** What becomes of a row that brings something new. */
type Fate = "loaded" | "left out" | "stopped";

/** Something new that rows may bring. */
interface News {
  readonly name: string;
  readonly entity: "tables" | "columns" | "types";
  readonly good: (n: number) => object;
  readonly bad: (n: number) => object;
  readonly options?: object;
  /** Under `evolve`. @default "loaded" */
  readonly evolve?: Fate;
  /** Under `discardValue`. @default "loaded" */
  readonly value?: Fate;
  /** What the quarantine says of the row. */
  readonly refusal: object;
  /** What the bad row is like once it is loaded without what was new. */
  readonly rest?: object;
  /** Whether it is tried everywhere, or in memory only. */
  readonly everywhere?: boolean;
}

const sized = (n: number): object => ({ n, size: n });
const tables = { nesting: "tables" };
const lines = (n: number): object => ({ n, lines: [{ sku: `s${n}`, count: n }] });

const news: readonly News[] = [
  {
    name: "a new column",
    entity: "columns",
    good: sized,
    bad: (n) => ({ n, size: n, colour: "red" }),
    refusal: { stage: "write", rule: "column", column: "colour", reason: "ALV_SCHEMA_CONFLICT" },
    rest: { size: 3n },
    everywhere: true,
  },
  {
    name: "a new member of a struct in a list",
    entity: "columns",
    good: (n) => ({ n, all: [{ a: n }] }),
    bad: (n) => ({ n, all: [{ a: n }, { a: n, b: 1 }] }),
    refusal: { stage: "write", rule: "column", column: "all[].b" },
  },
  {
    name: "a new column of a child table",
    entity: "columns",
    options: tables,
    good: lines,
    bad: (n) => ({
      n,
      lines: [
        { sku: "a", count: 1 },
        { sku: "b", count: 2, note: "x" },
      ],
    }),
    refusal: { stage: "write", rule: "column", column: "note" },
    everywhere: true,
  },
  {
    name: "a value of another kind",
    entity: "types",
    good: sized,
    bad: (n) => ({ n, size: "big" }),
    refusal: { stage: "write", rule: "type", column: "size", reason: "ALV_ROW_INVALID" },
    rest: { size: null },
    everywhere: true,
  },
  {
    name: "a fraction among integers",
    entity: "types",
    good: sized,
    bad: (n) => ({ n, size: n + 0.5 }),
    refusal: { stage: "write", rule: "type", column: "size" },
    rest: { size: null },
  },
  {
    name: "a value of another kind in a member",
    entity: "types",
    good: (n) => ({ n, info: { a: n } }),
    bad: (n) => ({ n, info: { a: "x" } }),
    refusal: { stage: "write", rule: "type", column: "info" },
    rest: { info: { a: null } },
  },
  {
    name: "a value of another kind in a child table",
    entity: "types",
    options: tables,
    good: lines,
    bad: (n) => ({ n, lines: [{ sku: "a", count: "many" }] }),
    refusal: { stage: "write", rule: "type", column: "count" },
  },
  {
    name: "a null in its key",
    entity: "types",
    options: { primaryKey: "k", disposition: "merge" },
    good: (n) => ({ n, k: n }),
    bad: (n) => ({ n, k: null }),
    evolve: "stopped",
    value: "left out",
    refusal: { stage: "write", rule: "key", column: "k" },
    everywhere: true,
  },
  {
    name: "a null in a column that must not be null",
    entity: "types",
    options: { columns: { size: { type: "int64", nullable: false } } },
    good: sized,
    bad: (n) => ({ n, size: null }),
    evolve: "stopped",
    value: "left out",
    refusal: { stage: "read", rule: "type", column: "size" },
  },
  {
    name: "a value that its schema refuses",
    entity: "types",
    options: { schema: z.object({ n: z.int(), size: z.int().optional() }) },
    good: sized,
    bad: (n) => ({ n, size: "big" }),
    evolve: "stopped",
    refusal: { stage: "read", rule: "schema", column: "size" },
    rest: { size: null },
    everywhere: true,
  },
  {
    name: "a list that needs a table",
    entity: "tables",
    options: tables,
    good: sized,
    bad: (n) => ({ n, size: n, tags: ["x"] }),
    refusal: { stage: "write", rule: "table", reason: "ALV_SCHEMA_CONFLICT" },
    rest: { size: 3n },
    everywhere: true,
  },
];

const policies: readonly ContractPolicy[] = ["evolve", "freeze", "discardValue", "discardRow", "quarantine"];

function fateOf({ evolve = "loaded", value = "loaded" }: News, policy: ContractPolicy): Fate {
  if (policy === "evolve") return evolve;
  if (policy === "freeze") return "stopped";
  return policy === "discardValue" ? value : "left out";
}

/** Every policy with everything new, in batches with other rows and across runs. `all`: also what differs nowhere. */
export function contractMatrix(name: string, open: () => Promise<Place>, all: boolean): void {
  describe.for(news.filter(({ everywhere = false }) => all || everywhere))(`${name}: $name`, (event) => {
    test.for(policies)("under %s", { timeout: 60_000 }, async (policy) => {
      await expect(meetNews(event, policy, open)).resolves.toBeUndefined();
    });
  });

  describe(`${name}: a table that is not there`, () => {
    test.for(policies)("under %s", { timeout: 60_000 }, async (policy) => {
      await expect(meetTable(policy, open)).resolves.toBeUndefined();
    });
  });
}

/** What a test of one policy looks at. */
interface Meeting {
  readonly event: News;
  readonly policy: ContractPolicy;
  /** The pipeline, with these batches to read. */
  readonly load: (...batches: readonly (readonly object[])[]) => Pipeline;
  readonly stored: () => Promise<readonly Record<string, unknown>[]>;
}

const numbered = (rows: readonly Record<string, unknown>[]): readonly number[] =>
  rows.map(({ n }) => Number(n));

async function meetNews(event: News, policy: ContractPolicy, open: () => Promise<Place>): Promise<void> {
  await using place = await open();
  const { destination } = place;
  const load = (...batches: readonly (readonly object[])[]): Pipeline => {
    const items = resource({
      name: "items",
      ...event.options,
      contract: { [event.entity]: policy },
      *read() {
        yield* batches;
      },
    } as never);
    return pipeline({
      name: "p",
      source: source("s", () => [items])() as never,
      destination: destination as never,
    }) as never;
  };
  const stored = async (): Promise<readonly Record<string, unknown>[]> => {
    const state = (await load().state())!;
    return (await readBack(destination, state))["items"]!.toSorted((a, b) => Number(a["n"]) - Number(b["n"]));
  };
  const meeting: Meeting = { event, policy, load, stored };
  // The table itself may be made.
  await load([event.good(1)]).run({ contract: { tables: "evolve" } });
  const mixed = load([event.good(2), event.bad(3)], [event.bad(4), event.good(5)]);
  const fate = fateOf(event, policy);
  await (fate === "stopped" ? stops(mixed, meeting) : goesOn(mixed, fate === "loaded", meeting));
  // What was refused has changed nothing of the table: rows as before are as welcome as before.
  await load([event.good(6)]).run();
  expect(numbered(await stored()).at(-1)).toBe(6);
  // What was put aside is taken by a contract that lets it in, if any does.
  if (policy === "quarantine" && (event.evolve ?? "loaded") === "loaded") await comesBack(meeting);
}

async function stops(mixed: Pipeline, { stored }: Meeting): Promise<void> {
  await expect(mixed.run()).rejects.toMatchObject({
    code: expect.stringMatching(/^ALV_(SCHEMA_CONFLICT|ROW_INVALID)$/) as string,
    resource: expect.stringMatching(/^items/) as string,
  });
  expect(numbered(await stored()), "nothing of it").toEqual([1]);
}

async function goesOn(mixed: Pipeline, isLoaded: boolean, { event, policy, stored }: Meeting): Promise<void> {
  const { tables: found } = (await mixed.run()) as RunReport;
  const isKept = policy === "quarantine";
  const isThinned = policy === "discardValue" && isLoaded;
  expect(found["items"]).toMatchObject({
    rows: isLoaded ? 4 : 2,
    quarantined: isKept ? 2 : 0,
    discarded: { rows: isLoaded || isKept ? 0 : 2, values: isThinned ? 2 : 0 },
    ...(policy !== "evolve" && { schemaChanges: [] }),
  });
  const rows = await stored();
  expect(numbered(rows)).toEqual(isLoaded ? [1, 2, 3, 4, 5] : [1, 2, 5]);
  expect(rows[2]).toMatchObject(isThinned ? (event.rest ?? {}) : {});
  const waiting = await mixed.quarantine({ resource: "items" });
  expect(waiting).toMatchObject(isKept ? [event.refusal, event.refusal] : []);
  expect(waiting.map(({ row }) => Number((row as { readonly n: number }).n))).toEqual(isKept ? [3, 4] : []);
}

async function comesBack({ event, load, stored }: Meeting): Promise<void> {
  const replayed = load().replay({ resource: "items", contract: { [event.entity]: "evolve" } });
  expect(await replayed).toMatchObject({ replayed: 2, refused: 0 });
  expect(numbered(await stored())).toEqual([1, 2, 3, 4, 5, 6]);
}

async function meetTable(policy: ContractPolicy, open: () => Promise<Place>): Promise<void> {
  await using place = await open();
  const { destination } = place;
  const items = resource({
    name: "items",
    contract: { tables: policy },
    read: () => [[sized(1)]],
  } as never);
  const load = pipeline({
    name: "p",
    source: source("s", () => [items])() as never,
    destination: destination as never,
  }) as unknown as Pipeline;
  const isKept = policy === "quarantine";
  const run = load.run().then(
    ({ tables: found }) => (found as RunReport["tables"])["items"],
    ({ code }: { readonly code: string }) => ({ code }),
  );
  expect(await run).toMatchObject(
    policy === "freeze"
      ? { code: "ALV_SCHEMA_CONFLICT" }
      : {
          rows: policy === "evolve" ? 1 : 0,
          quarantined: isKept ? 1 : 0,
          discarded: { rows: policy === "evolve" || isKept ? 0 : 1 },
        },
  );
  if (isKept) await tableComes(load, destination);
}

async function tableComes(load: Pipeline, destination: Destination): Promise<void> {
  expect(await load.quarantine({ resource: "items" })).toHaveLength(1);
  const replayed = load.replay({ resource: "items", contract: { tables: "evolve" } });
  expect(await replayed).toMatchObject({ replayed: 1 });
  expect((await readBack(destination, (await load.state())!))["items"]).toMatchObject([{ n: 1n, size: 1n }]);
}
