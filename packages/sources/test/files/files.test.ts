import { describe, expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import { pipeline, type ObjectStore, type RunEvent } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { memoryStore } from "@alluvium/core/storage/memory";
import { memoryDestination, sourceContext, sourceSuite } from "@alluvium/core/testing";
import { files, type FilesTableOptions } from "@alluvium/sources/files";
import { lines } from "./lines.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A row without what every table has. */
function ownColumns(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = { ...row };
  delete own["_alv_load_id"];
  return own;
}

/** A store with a clock that a test moves, in seconds. */
function clockStore() {
  let seconds = 1_700_000_000;
  const store = memoryStore({ clock: () => new Date(seconds * 1000) });
  return { store, later: (by: number) => (seconds += by) };
}

function source(store: ObjectStore, options: Partial<FilesTableOptions> = {}) {
  return files({
    store,
    tables: { words: { files: "in/**/*.txt", format: lines(), ...options } as FilesTableOptions },
  });
}

/** Reads a table as a run does, without one. */
async function readOnce(store: ObjectStore, since?: unknown, options: Partial<FilesTableOptions> = {}) {
  const events: RunEvent[] = [];
  await using session = await source(store, options).open(sourceContext());
  const [stream] = session.streams;
  const stored = since as undefined;
  const rows: string[] = [];
  let cursor: unknown;
  for await (const item of stream!.read({
    signal: new AbortController().signal,
    since: stored === undefined ? undefined : stream!.cursor.decode(stored, 1),
    budget: 8 * 1024 * 1024,
    attempt: 1,
    emit: (event) => events.push(event),
  })) {
    if ("batch" in item) for (const row of rowsOf(item.batch)) rows.push(String(row["text"]));
    if ("checkpoint" in item) cursor = JSON.parse(JSON.stringify(stream!.cursor.encode(item.checkpoint)));
  }
  return {
    rows,
    cursor,
    warnings: events.flatMap((event) => (event.type === "warning" ? [event.message] : [])),
  };
}

describe("as every source", () => {
  sourceSuite({
    test,
    async open() {
      const store = memoryStore();
      for (let i = 0; i < 5; i++)
        await store.put(`in/${i}/a.txt`, bytes(Array.from({ length: 10 }, (_, n) => `${i}-${n}\n`).join("")));
      await store.put("in/5/b.txt", gzipSync(bytes("one\n!two\nthree\n")));
      return { source: source(store, { checkpointBytes: 1 }) };
    },
  });
});

test("new files are read once, in the order of their paths", async () => {
  const { store, later } = clockStore();
  await store.put("in/b.txt", bytes("b1\nb2\n"));
  await store.put("in/a/x.txt", bytes("a1\n"));
  await store.put("in/_hidden.txt", bytes("no\n"));
  await store.put("in/c.csv", bytes("no\n"));
  const first = await readOnce(store);
  expect(first.rows).toEqual(["a1", "b1", "b2"]);
  expect((await readOnce(store, first.cursor)).rows).toEqual([]);
  expect((await readOnce(store, first.cursor)).cursor).toEqual(first.cursor);
  later(10);
  await store.put("in/a/y.txt", bytes("y\n"));
  const second = await readOnce(store, first.cursor);
  expect(second.rows).toEqual(["y"]);
  // Long after: the window has moved on.
  later(400_000);
  await store.put("in/a/z.txt", bytes("z\n"));
  const third = await readOnce(store, second.cursor);
  expect(third.rows).toEqual(["z"]);
  expect((await readOnce(store, third.cursor)).rows).toEqual([]);
});

test("a run loads through a pipeline, with paths and times as columns", async () => {
  const { store } = clockStore();
  await store.put("in/day=1/b.txt", bytes("b1\nb2\n"));
  await store.put("in/day=__HIVE_DEFAULT_PARTITION__/c.txt", bytes("c1\n"));
  const destination = memoryDestination();
  const words = source(store, {
    fileColumn: "_file",
    modifiedColumn: "_modified",
    partitions: true,
    columns: { day: { type: "int32" } },
  });
  const load = pipeline({ name: "p", source: words, destination });
  await load.run();
  const _modified = new Date(1_700_000_000_000);
  expect(destination.store.rows("words").map(ownColumns)).toEqual([
    { text: "b1", _file: "in/day=1/b.txt", _modified, day: 1 },
    { text: "b2", _file: "in/day=1/b.txt", _modified, day: 1 },
    { text: "c1", _file: "in/day=__HIVE_DEFAULT_PARTITION__/c.txt", _modified, day: null },
  ]);
});
