import { gzipSync } from "node:zlib";
import { pipeline, type Destination, type ObjectStore } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { faultStore, memoryDestination } from "@alluvium/core/testing";
import { files } from "@alluvium/sources/files";
import { describe, expect, test } from "vitest";
import { lines } from "../../packages/sources/test/files/lines.ts";
import { deltaLake, folderLake } from "./lakes.ts";
import { atOnce, seed, stopAtSteps, stride } from "./stopped.ts";

/* Files are loaded by processes that are stopped at every step, while others are uploaded: every row is there once. */

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const many = (name: string, count: number): string =>
  Array.from({ length: count }, (_, i) => `${name}${i}\n`).join("");

/** Files of a few lines, one compressed, and one that is read in several pieces. */
async function landing(): Promise<ObjectStore> {
  const store = memoryStore();
  await store.put("in/a.txt", bytes(many("a", 4)));
  await store.put("in/b.txt", gzipSync(bytes(many("b", 9))));
  await store.put("in/c/d.txt", bytes(many("c", 12)));
  return store;
}

const wanted = [
  ...many("a", 4).split("\n"),
  ...many("b", 9).split("\n"),
  ...many("c", 12).split("\n"),
].filter((text) => text !== "");

function load(from: ObjectStore, destination: Destination<"append" | "replace">, checkpointBytes = 1) {
  return pipeline({
    name: "landing",
    source: files({
      store: from,
      tables: { words: { files: "in/**/*.txt", format: lines(), checkpointBytes, fileColumn: "_file" } },
    }),
    destination,
    leaseWait: 0,
  }).run(atOnce);
}

describe.each([deltaLake, folderLake])(
  `files into a lake that stops: $name (seed ${seed}, stride ${3 * stride})`,
  (lake) => {
    test(
      "at every step of the destination, within files and between them",
      { timeout: 300_000 },
      async () => {
        const from = await landing();
        const steps = await stopAtSteps({
          run: (store) => load(from, lake.destination(store)),
          every: 3 * stride,
          async check(disk, step) {
            const textsOf = async (): Promise<readonly string[]> =>
              (await lake.read(disk, "words")).map(({ text }) => String(text));
            const before = await textsOf();
            // What is there is there once.
            expect(new Set(before).size, `after step ${step}`).toBe(before.length);
            await load(from, lake.destination(disk));
            expect((await textsOf()).toSorted(), `after step ${step}`).toEqual(wanted.toSorted());
          },
        });
        expect(steps).toBeGreaterThan(50);
      },
    );
  },
);

test(`the place of the files stops at every step, and one more becomes visible each time (seed ${seed})`, async () => {
  const whole = faultStore(await landing());
  await load(whole, memoryDestination());
  const { length } = whole.steps;
  expect(length).toBeGreaterThan(3);
  for (let step = 0; step < length; step++) {
    const from = await landing();
    const destination = memoryDestination();
    await load(faultStore(from, { stopAt: step }), destination).catch(() => undefined);
    // Before, between and behind what was read.
    for (const name of ["0", "b0", "z"]) await from.put(`in/${name}.txt`, bytes(`${name}\n`));
    await load(from, destination);
    await load(from, destination);
    const texts = destination.store.rows("words").map(({ text }) => String(text));
    expect(texts.toSorted(), `stopped at ${step}`).toEqual([...wanted, "0", "b0", "z"].toSorted());
  }
});

test("a failure that may pass, at every step", async () => {
  const whole = faultStore(await landing());
  await load(whole, memoryDestination());
  for (let step = 0; step < whole.steps.length; step++) {
    const destination = memoryDestination();
    const from = faultStore(await landing(), {
      at: ({ index }) => (index === step ? "transient" : undefined),
    });
    await pipeline({
      name: "landing",
      source: files({ store: from, tables: { words: { files: "in/**/*.txt", format: lines() } } }),
      destination,
    }).run({ retry: { minDelay: 1 } });
    const texts = destination.store.rows("words").map(({ text }) => String(text));
    expect(texts, `at ${step}`).toEqual(wanted);
  }
});
