import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { pipeline, type AlluviumError, type ContractOption } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { memoryDestination } from "@alluvium/core/testing";
import { files } from "@alluvium/sources/files";

/* A file that is wrong, among many small ones: what comes before it is committed, and it is told each time. */

const FILES = 30;
const BAD = 20;
const pathOf = (number: number): string => `in/${String(number).padStart(3, "0")}.csv.gz`;
const content = (number: number, value: string = String(number)): Uint8Array =>
  gzipSync(`id,v\n${2 * number},${value}\n${2 * number + 1},${value}\n`);

interface Case {
  readonly bad: Uint8Array;
  readonly code: AlluviumError["code"];
  readonly contract?: ContractOption;
}

const upTo = (count: number): number[] => Array.from({ length: 2 * count }, (_, id) => id);

async function place({ bad, contract }: Case, badNumber: number) {
  const store = memoryStore();
  for (let number = 0; number < FILES; number++)
    await store.put(pathOf(number), number === badNumber ? bad : content(number));
  const destination = memoryDestination();
  let reads = 0;
  const load = async (): Promise<void> => {
    reads = 0;
    await pipeline({
      name: "p",
      source: files({ store, tables: { t: { files: "in/*.csv.gz", ...(contract && { contract }) } } }),
      destination,
      onEvent: ({ type }) => (reads += type === "streamStarted" ? 1 : 0),
    }).run();
  };
  return {
    load,
    /** How often the last load read the table. */
    reads: () => reads,
    ids: (): readonly number[] =>
      destination.store
        .rows("t")
        .map(({ id }) => Number(id))
        .toSorted((a, b) => a - b),
    error: (): Promise<AlluviumError> =>
      load().then(
        () => expect.unreachable("it went through"),
        (problem: unknown) => problem as AlluviumError,
      ),
    mend: () => store.put(pathOf(badNumber), content(badNumber)),
  };
}

const damaged: Case = { bad: content(BAD).subarray(0, 25), code: "ALV_SOURCE_DATA" };
const refused: Case = {
  bad: content(BAD, "a text"),
  code: "ALV_SCHEMA_CONFLICT",
  contract: { types: "freeze" },
};

// Of the first file the types are learned, so that none of its values is refused.
test.each<[string, number, Case]>([
  ["is cut off", 0, damaged],
  ["is cut off", 1, damaged],
  ["is cut off", BAD, damaged],
  ["has a value that the table refuses", 1, refused],
  ["has a value that the table refuses", BAD, refused],
])("a file that %s, behind %i others", async (_what, badNumber, one) => {
  const { ids, reads, error, load, mend } = await place(one, badNumber);
  expect((await error()).code).toBe(one.code);
  expect(ids()).toEqual(upTo(badNumber));
  expect(reads()).toBe(badNumber === 0 ? 1 : 2);
  // Nothing is before it now, so it is not looked at twice.
  expect((await error()).code).toBe(one.code);
  expect(reads()).toBe(1);
  await mend();
  await load();
  expect(ids()).toEqual(upTo(FILES));
});
