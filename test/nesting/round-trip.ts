import fc from "fast-check";
import { expect, test } from "vitest";
import {
  pipeline,
  resource,
  source,
  timeOrderedId,
  type Destination,
  type NestingOption,
  type PipelineState,
} from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { rebuildRows } from "@alluvium/core/nesting";
import { awkwardRows, canonical, extremeRows, mixedRuns } from "./awkward.ts";

/** A destination of its own, for one load. */
export interface Place extends AsyncDisposable {
  readonly destination: Destination<"append">;
}

/** The rows of a pipeline's tables as they are committed. */
export async function readBack(
  destination: Destination,
  { tables }: PipelineState,
): Promise<{ readonly [table: string]: readonly Record<string, unknown>[] }> {
  const found: Record<string, Record<string, unknown>[]> = {};
  await using session = await destination.open({
    pipeline: { pipeline: "reader", lane: "main" },
    runId: timeOrderedId(),
    signal: new AbortController().signal,
    budget: 2 ** 24,
    adopt: false,
    shared: true,
    emit: () => {},
  });
  await session.recover({ readOnly: true });
  for (const table of Object.keys(tables)) {
    const rows: Record<string, unknown>[] = [];
    for await (const batch of session.scan!(table)) rows.push(...rowsOf(batch));
    found[table] = rows;
  }
  return found;
}

/** Loads rows and puts them together again, in the order of their ids. */
async function roundTrip(
  { destination }: Place,
  rows: readonly object[],
  nesting: NestingOption,
  isExact: boolean = false,
): Promise<readonly unknown[]> {
  const things = resource({
    name: "things",
    nesting: nesting as "native",
    async *read() {
      // In two pieces: what the second one brings, the first did not have.
      yield rows.slice(0, rows.length >> 1) as never;
      yield rows.slice(rows.length >> 1) as never;
    },
  });
  const load = pipeline({ name: "awkward", source: source("s", () => [things])(), destination });
  await load.run();
  const state = (await load.state())!;
  const back = rebuildRows({
    table: "things",
    tables: state.tables,
    rows: await readBack(destination, state),
  });
  return back
    .toSorted((a, b) => Number(a["id"]) - Number(b["id"]))
    .map((row) => canonical(comparable(row), isExact));
}

/** Properties: the original rows can be put together from what a destination holds. */
export function roundTrips(
  name: string,
  open: () => Promise<Place>,
  { numRuns = 4, width = 10_000 }: { readonly numRuns?: number; readonly width?: number } = {},
): void {
  const seed = Number(process.env["ALLUVIUM_SEED"] ?? Date.now() % 100_000);
  const choices: readonly NestingOption[] = [
    "tables",
    "native",
    "json",
    { default: "tables", depth: 2 },
    { default: "native", paths: { a: "tables", b: "json" } },
  ];
  for (const nesting of choices)
    test(
      `${name}: nothing is lost with nesting ${JSON.stringify(nesting)} (seed ${seed})`,
      { timeout: 120_000 },
      async () => {
        const plain = nesting !== "tables";
        await fc.assert(
          fc.asyncProperty(awkwardRows(plain), async (rows) => {
            await using place = await open();
            const back = await roundTrip(place, rows, nesting);
            expect(back).toEqual(rows.map((row) => canonical(comparable(row))));
          }),
          { seed, numRuns },
        );
      },
    );
  for (const nesting of choices)
    test(
      `${name}: values of any kind come back with nesting ${JSON.stringify(nesting)} (seed ${seed})`,
      { timeout: 120_000 },
      async () => {
        await fc.assert(
          fc.asyncProperty(mixedRuns(nesting !== "tables"), async (runs) => {
            await using place = await open();
            expect(await mixedTrip(place, runs, nesting)).toEqual(runs.flat(2).map((row) => canonical(row)));
          }),
          { seed, numRuns, examples: [[once]] },
        );
      },
    );
  extremes(name, open, width);
}

/** A run in which a value fits its column only as long as it stands beside one of another kind. */
const once: readonly (readonly (readonly object[])[])[] = [
  [[{ id: 0, y: [{}] }]],
  [[{ id: 1, y: [{ a: -7 }, "5"] }], [{ id: 2, y: [{}] }]],
];

/** Loads batches in runs, and puts the rows together again. */
async function mixedTrip(
  { destination }: Place,
  runs: readonly (readonly (readonly object[])[])[],
  nesting: NestingOption,
): Promise<readonly unknown[]> {
  let batches: readonly (readonly object[])[] = [];
  const things = resource({
    name: "things",
    nesting: nesting as "native",
    async *read() {
      for (const batch of batches) yield batch as never;
    },
  });
  const load = pipeline({ name: "mixed", source: source("s", () => [things])(), destination });
  for (batches of runs) await load.run();
  const state = (await load.state())!;
  const rows = await readBack(destination, state);
  return rebuildRows({ table: "things", tables: state.tables, rows })
    .toSorted((a, b) => Number(a["id"]) - Number(b["id"]))
    .map((row) => canonical(row));
}

/** Extremes: long values, deep and wide ones, integers that no double holds, halves of characters. */
function extremes(name: string, open: () => Promise<Place>, width: number): void {
  for (const nesting of ["tables", "native", "json"] as const)
    test(`${name}: extreme values come back with nesting ${nesting}`, { timeout: 120_000 }, async () => {
      await using place = await open();
      // Only members that become columns are too many for some.
      const rows = extremeRows(nesting === "tables" ? width : 10_000, nesting === "native");
      const back = await roundTrip(place, rows, nesting, true);
      expect(back).toEqual(rows.map((row) => canonical(comparable(row), true)));
    });
}

/** Integers that no double holds, as bigints. */
function exact(_: string, value: unknown, { source = "" }: { readonly source?: string }): unknown {
  return typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value;
}

/** A value with the JSON in it parsed, which destinations without such a type keep as text. */
function comparable(value: unknown): unknown {
  if (typeof value === "string" && /^[[{]/.test(value)) {
    try {
      return JSON.parse(value, exact as never);
    } catch {
      return value;
    }
  }
  if (Array.isArray(value)) return value.map(comparable);
  if (value instanceof Map) return new Map(Array.from(value, ([key, one]) => [key, comparable(one)]));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, comparable(member)]));
}
