import { describe, expect, test } from "vitest";
import { sourceSuite } from "@alluvium/core/testing";
import { type Script, scriptedSource } from "../run/scripted-source.ts";

function casesOf(script: Script): Map<string, () => Promise<void>> {
  const cases = new Map<string, () => Promise<void>>();
  sourceSuite({
    test: (name, run) => void cases.set(name, run),
    open: async () => ({ source: scriptedSource([script, { name: "other", rows: 2, every: 0 }]) }),
    patience: 200,
  });
  return cases;
}

describe("a source that keeps the contract", () => {
  test.for([...casesOf({ name: "a", rows: 20, every: 3, batch: 2 })])("%s", async ([, run]) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe("the suite notices", () => {
  const notices = async (script: Script, name: string, message: RegExp): Promise<void> => {
    await expect(casesOf(script).get(name)!()).rejects.toThrow(message);
  };

  test("a checkpoint from which rows are missing", async () => {
    const late = { name: "a", rows: 9, every: 2, newestFirst: true, batch: 4 };
    await casesOf(late).get("reading from a checkpoint gives the rest")!();
    let opened = 0;
    const cases = new Map<string, () => Promise<void>>();
    sourceSuite({
      test: (name, run) => void cases.set(name, run),
      open: async () => ({ source: scriptedSource([{ name: "a", rows: 9 + opened++ }]) }),
    });
    await cases.get("reading from a checkpoint gives the rest")!();
    let reads = 0;
    const forgetful = scriptedSource([{ name: "a", rows: 9 }]);
    sourceSuite({
      test: (name, run) => void cases.set(name, run),
      open: async () => ({
        source: {
          ...forgetful,
          open: async (context) => {
            const session = await forgetful.open(context);
            return {
              ...session,
              streams: session.streams.map((stream) => ({
                ...stream,
                read: (call) =>
                  stream.read(reads++ === 0 ? call : { ...call, since: Number(call.since) + 1 }),
              })),
            };
          },
        },
      }),
    });
    await expect(cases.get("reading from a checkpoint gives the rest")!()).rejects.toThrow(
      /exactly the rest/,
    );
  });

  test("a stream that does not stop", async () => {
    const deaf: Script = {
      name: "a",
      rows: 5,
      onItem: (at) => (at === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, 400))),
    };
    const run = casesOf(deaf).get("an abort stops the reading soon")!;
    await expect(run()).rejects.toThrow(/took longer than 200 ms/);
  });

  test("rows that change, and tables that were not described", async () => {
    let at = 0;
    const cases = new Map<string, () => Promise<void>>();
    sourceSuite({
      test: (name, run) => void cases.set(name, run),
      open: async () => ({
        source: {
          specVersion: 1,
          name: "changing",
          open: (context) => scriptedSource([{ name: "a", rows: ++at }]).open(context),
        },
      }),
    });
    await expect(
      cases.get("reading twice gives the same rows, and batches are what they say")!(),
    ).rejects.toThrow(/strictly deep-equal/);
    await notices(
      { name: "a", rows: 2, describe: { name: "b" } },
      "reading twice gives the same rows, and batches are what they say",
      /only tables that it described, not a/,
    );
  });
});
