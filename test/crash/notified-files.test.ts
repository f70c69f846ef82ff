import { pipeline, type Destination, type ObjectStore, type RunOptions } from "@alluvium/core";
import { memoryStore } from "@alluvium/core/storage/memory";
import { files } from "@alluvium/sources/files";
import { describe, expect, test } from "vitest";
import { fakeQueue } from "../../packages/sources/test/files/fake-queue.ts";
import { lines } from "../../packages/sources/test/files/lines.ts";
import { deltaLake, folderLake } from "./lakes.ts";
import { atOnce, seed, stopAtSteps, stride } from "./stopped.ts";

/* Files that a queue names are loaded by processes that are stopped at every step: a message goes after the commit of its file, and every row is there once. */

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (name: string): string[] => Array.from({ length: 7 }, (_, i) => `${name}${i}`);
const HOUR = 3_600_000;

function landing() {
  let now = 1_700_000_000_000;
  const store = memoryStore({ url: "s3://shop", clock: () => new Date(now) });
  const queue = fakeQueue();
  return {
    queue,
    later: (milliseconds: number) => (now += milliseconds),
    put: (name: string) => store.put(name, bytes(`${texts(name).join("\n")}\n`)),
    load: (destination: Destination<"append" | "replace">, run: RunOptions<"words"> = atOnce) =>
      pipeline({
        name: "landing",
        source: files({
          store,
          notifications: queue.options,
          tables: { words: { files: "*", format: lines(), checkpointBytes: 1 } },
        }),
        destination,
        leaseWait: 0,
      }).run(run),
  };
}

const inOne = { retry: atOnce.retry };

describe.each([
  { lake: deltaLake, commits: "many commits", run: atOnce },
  { lake: folderLake, commits: "many commits", run: atOnce },
  { lake: folderLake, commits: "one commit", run: inOne },
])(
  `named files into a lake that stops: $lake.name, $commits (seed ${seed}, stride ${2 * stride})`,
  ({ lake, run }) => {
    test("at every step of the destination", { timeout: 300_000 }, async () => {
      let place = landing();
      const read = async (disk: ObjectStore): Promise<string[]> =>
        (await lake.read(disk, "words")).map(({ text }) => String(text));
      let stayed = 0;
      const steps = await stopAtSteps({
        every: run === inOne ? 1 : 2 * stride,
        async before(store) {
          place = landing();
          await place.put("b");
          await place.load(lake.destination(store));
          for (const name of ["a", "c", "d", "lost"]) await place.put(name);
          for (const name of ["d", "a", "c"]) place.queue.put(name);
        },
        run: (store) => place.load(lake.destination(store), run),
        async check(disk, step) {
          const { queue, load, later } = place;
          const before = await read(disk);
          expect(new Set(before).size, `after step ${step}`).toBe(before.length);
          if (queue.left().length > 0) stayed += 1;
          for (const name of ["a", "c", "d"])
            if (!queue.left().join().includes(`{"key":"${name}"}`))
              expect(before, `after step ${step}`).toEqual(expect.arrayContaining(texts(name)));
          queue.back();
          await load(lake.destination(disk));
          const named = ["a", "b", "c", "d"].flatMap(texts);
          expect((await read(disk)).toSorted(), `after step ${step}`).toEqual(named);
          expect(queue.left(), `after step ${step}`).toEqual([]);
          later(25 * HOUR);
          await load(lake.destination(disk));
          expect((await read(disk)).toSorted(), `after step ${step}`).toEqual([...named, ...texts("lost")]);
        },
      });
      expect(steps).toBeGreaterThan(run === inOne ? 10 : 50);
      expect(stayed).toBeGreaterThan(0);
    });
  },
);
