import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { AlluviumError, pipeline, type ContractOption } from "@alluvium/core";
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
  readonly code: string;
  readonly contract?: ContractOption;
}

async function loads({ bad, code, contract }: Case, badNumber: number) {
  const store = memoryStore();
  for (let number = 0; number < FILES; number++)
    await store.put(pathOf(number), number === badNumber ? bad : content(number));
  const destination = memoryDestination();
  let reads = 0;
  const load = async (): Promise<void> => {
    await pipeline({
      name: "p",
      source: files({ store, tables: { t: { files: "in/*.csv.gz", ...(contract && { contract }) } } }),
      destination,
      onEvent: ({ type }) => (reads += type === "streamStarted" ? 1 : 0),
    }).run();
  };
  const ids = (): readonly number[] =>
    destination.store
      .rows("t")
      .map(({ id }) => Number(id))
      .toSorted((a, b) => a - b);
  const error = async (): Promise<AlluviumError> => {
    reads = 0;
    return await load().then(
      () => expect.unreachable("it went through"),
      (problem: unknown) => problem as AlluviumError,
    );
  };
  const upTo = (count: number): number[] => Array.from({ length: 2 * count }, (_, id) => id);

  expect(await error()).toMatchObject({ code });
  expect(ids()).toEqual(upTo(badNumber));
  expect(reads).toBe(badNumber === 0 ? 1 : 2);
  // Nothing is before it now, so it is not looked at twice.
  expect((await error()).code).toBe(code);
  expect(reads).toBe(1);
  await store.put(pathOf(badNumber), content(badNumber));
  await load();
  expect(ids()).toEqual(upTo(FILES));
}

const damaged = content(BAD).subarray(0, 25);
const other = content(BAD, "a text");

for (const badNumber of [0, 1, BAD]) {
  test(`a file that is cut off, number ${badNumber}`, async () => {
    await loads({ bad: damaged, code: "ALV_SOURCE_DATA" }, badNumber);
  });
  // Of the first file the types are learned.
  if (badNumber > 0)
    test(`a file whose values the table refuses, number ${badNumber}`, async () => {
      await loads({ bad: other, code: "ALV_SCHEMA_CONFLICT", contract: { types: "freeze" } }, badNumber);
    });
}
