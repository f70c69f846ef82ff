import { describe, expect, onTestFinished, test } from "vitest";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pipeline, type ObjectStore, type RunEvent } from "@alluvium/core";
import { rowsOf } from "@alluvium/core/columns";
import { fileStore } from "@alluvium/core/storage/file";
import { memoryStore } from "@alluvium/core/storage/memory";
import { memoryDestination, sourceContext, sourceSuite } from "@alluvium/core/testing";
import { binaries, files, type FilesTableOptions } from "@alluvium/sources/files";
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

// Points to resume from after every batch, and amid rows that are held back to be joined.
describe.each([1, 60])("as every source, with a point to resume from after %i bytes", (checkpointBytes) => {
  sourceSuite({
    test,
    async open() {
      const store = memoryStore();
      for (let i = 0; i < 5; i++)
        await store.put(
          `in/${i}/a.txt`,
          bytes(Array.from({ length: 5 + 3 * i }, (_, n) => `${i}-${n}\n`).join("")),
        );
      await store.put("in/5/b.txt", gzipSync(bytes("one\n!two\nthree\n")));
      return { source: source(store, { checkpointBytes }) };
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

test("files of any kind are rows", async () => {
  const { store } = clockStore();
  const png = Buffer.from("\x89PNG\r\n\x1a\n and more", "latin1");
  await store.put("in/a.png", png);
  await store.put("in/b.csv.gz", gzipSync(bytes("x")));
  await store.put("in/c.CSV", bytes("a;b\n"));
  await store.put("in/d.docx", Buffer.from("PK\x03\x04", "latin1"));
  await store.put("in/e", new Uint8Array(0));
  const destination = memoryDestination();
  const tables = { all: { files: "in/**", format: binaries({ bytes: true, maxBytes: 20 }) } };
  await pipeline({ name: "p", source: files({ store, tables }), destination }).run();
  const rows = destination.store.rows("all").map(ownColumns);
  expect(rows.map(({ path, size, media_type: type }) => [path, Number(size), type])).toEqual([
    ["in/a.png", 17, "image/png"],
    ["in/b.csv.gz", gzipSync("x").length, "application/gzip"],
    ["in/c.CSV", 4, "text/csv"],
    ["in/d.docx", 4, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ["in/e", 0, "application/octet-stream"],
  ]);
  const [first, second] = rows;
  expect(first).toMatchObject({
    sha256: createHash("sha256").update(png).digest("hex"),
    modified: new Date(1_700_000_000_000),
    etag: (await store.head("in/a.png"))!.etag,
  });
  expect(Buffer.from(first!["bytes"] as Uint8Array).equals(png)).toBe(true);
  // Larger than asked for.
  expect(second!["bytes"]).toBeNull();
});

test("options that cannot be are told by name when the source is opened", async () => {
  const table = { files: "*", format: lines() };
  const cases: readonly (readonly [unknown, string])[] = [
    [{ tables: { a: table } }, "give either url or store"],
    [{ url: ".", store: memoryStore(), tables: {} }, "give either url or store"],
    [{ url: ".", tables: { a: { ...table, files: [] } } }, "tables.a.files"],
    [{ url: ".", tables: { a: { ...table, hiden: true } } }, "there is no option hiden"],
    [{ url: ".", tables: { a: { ...table, format: "csv" } } }, "tables.a.format"],
    [{ url: ".", tables: { a: { ...table, window: { hours: -1 } } } }, "tables.a.window.hours"],
    [{ url: ".", tables: { a: { ...table, changed: "ignore" } } }, "tables.a.changed"],
    [{ url: ".", tables: { a: { files: "*" } } }, "does not say the format"],
    [{ url: ".", tables: { a: { ...table, files: "../x" } } }, "lead out of the place"],
    [{ url: ".", tables: { a: { ...table, files: "/x" } } }, "globs begin at the place"],
    [{ url: ".", tables: { a: { ...table, disposition: "merge" } } }, "a merge needs a primaryKey"],
    [{ url: ".", tables: { a: { ...table, fileColumn: "f", modifiedColumn: "f" } } }, "are both"],
    [{ url: "ftp://x", tables: { a: table } }, "no store for ftp: URLs"],
  ];
  for (const [options, message] of cases) {
    const opening = files(options as Parameters<typeof files>[0]).open(sourceContext());
    await expect(opening, message).rejects.toThrow(message);
  }
});

test("a place that is empty is told; files of the future wait and are told", async () => {
  const { store } = clockStore();
  expect((await readOnce(store)).warnings).toEqual(["words: no file in memory: matches in/**/*.txt"]);
  await store.put("in/a.txt", bytes("a\n"));
  const early: ObjectStore = { ...store, now: async () => new Date(1_690_000_000_000) };
  const { rows, warnings, cursor } = await readOnce(early);
  expect(rows).toEqual([]);
  expect(warnings).toEqual([
    "words: 1 file has a time that has not come yet, and will be read then: are clocks wrong?",
  ]);
  expect((await readOnce(store, cursor)).rows).toEqual(["a"]);
});

test("files younger than asked for wait", async () => {
  const { store, later } = clockStore();
  await store.put("in/a.txt", bytes("a\n"));
  later(30);
  await store.put("in/b.txt", bytes("b\n"));
  const options = { minAge: { seconds: 20 } };
  const first = await readOnce(store, undefined, options);
  expect(first.rows).toEqual(["a"]);
  later(20);
  expect((await readOnce(store, first.cursor, options)).rows).toEqual(["b"]);
});

test("small files are joined into batches, up to where their columns differ", async () => {
  const { store } = clockStore();
  for (let i = 0; i < 200; i++) await store.put(`in/${String(i).padStart(3, "0")}.txt`, bytes(`t${i}\n`));
  await store.put("in/100.txt", bytes("7 seven\n"));
  await using session = await source(store, { fileColumn: "_file" }).open(sourceContext());
  const sizes: number[] = [];
  const files: unknown[] = [];
  for await (const item of session.streams[0]!.read({
    signal: new AbortController().signal,
    since: undefined,
    budget: 8 * 1024 * 1024,
    attempt: 1,
    emit: () => {},
  })) {
    if (!("batch" in item)) continue;
    sizes.push(item.batch.length);
    files.push(...[...rowsOf(item.batch)].map((row) => row["_file"]));
    expect(item.locate?.(item.batch.length - 1)).toEqual({ file: files.at(-1), line: 1 });
  }
  // The first file is followed by a point to resume from.
  expect(sizes).toEqual([1, 99, 100]);
  expect(new Set(files).size).toBe(200);
});

describe("a place with nothing in it", () => {
  test("is said by each run", async () => {
    const { store } = clockStore();
    await store.put("in/a.txt", bytes("a1\n"));
    const first = await readOnce(store);
    expect(first.warnings).toEqual([]);
    await store.delete(["in/a.txt"]);
    const again = await readOnce(store, first.cursor);
    expect(again.warnings).toEqual([`words: no file in ${store.url} matches in/**/*.txt`]);
    expect(again.cursor).toEqual(first.cursor);
  });

  test("is a folder that is not there, or a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "files-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const missing = join(folder, "missing");
    expect((await readOnce(fileStore(missing))).warnings).toEqual([`words: there is no folder ${missing}`]);
    expect((await readOnce(fileStore(folder))).warnings[0]).toMatch(/^words: no file in file:/);
    const file = join(folder, "a.txt");
    await writeFile(file, "a1\n");
    await expect(readOnce(fileStore(file))).rejects.toMatchObject({
      code: "ALV_CONFIG",
      message: `files: ${file} is a file, where a folder is meant: give { url: "${folder}" }, and "a.txt" as the glob of the table`,
    });
  });
});
